"""Give every message to the carrier of its channel."""

from chalicelib.adapters.ses import SesMail
from chalicelib.adapters.sms import TextMessages
from chalicelib.ports import Mail, Sms


class Carriers:
    """E-mails to one carrier, text messages to another."""

    def __init__(self, mails: SesMail, texts: TextMessages) -> None:
        self._mails = mails
        self._texts = texts

    def mail(self, mail: Mail) -> str:
        return self._mails.mail(mail)

    def text(self, sms: Sms) -> str:
        return self._texts.text(sms)
