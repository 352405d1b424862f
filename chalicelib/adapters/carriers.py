"""Give every message to the carrier of its channel."""

from chalicelib.adapters.ses import SesMail
from chalicelib.adapters.sms import TextMessages
from chalicelib.ports import Mail, Sms, Word


class Carriers:
    """E-mails to one carrier, text messages to another."""

    def __init__(self, mails: SesMail, texts: TextMessages) -> None:
        self._mails = mails
        self._texts = texts

    def mail(self, mail: Mail) -> str:
        return self._mails.mail(mail)

    def text(self, sms: Sms) -> str:
        return self._texts.text(sms)

    def begin(self, message: Mail | Sms) -> Word:
        if isinstance(message, Mail):
            return self._mails.begin(message)
        taken = self._texts.text(message)  # of the few there are each is waited for at once
        return lambda: taken
