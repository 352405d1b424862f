"""What people write goes to whom they mean, by the words that the example company lists; or to nobody, but not astray.

Natural sentences, not made from the lists: whoever changes a list sees here what else it touches.
"""

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from chalicelib.domain.invitation import Answer
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.routing import topics_of
from infra.organisation import load
from tests.domain.cast import FRIDAY_1630

FILE = Path(__file__).resolve().parents[2] / "examples" / "tornillo.yaml"

MEANT: dict[str, tuple[str, ...]] = {
    "logistics": (
        "El pedido llegó tarde",
        "Nunca llegó lo que compré",
        "Todavía estoy esperando mi pedido",
        "El mensajero dejó la caja tirada en la portería",
        "Me mandaron un producto que no era",
        "Faltaron cuatro tornillos en la caja",
        "El camión no vino el día acordado",
        "Quedaron de venir el martes y nada",
        "Nadie me da razón de mi pedido",
        "El domiciliario fue muy amable pero llegó dos horas después",
        "Me entregaron menos de lo que pagué",
        "Prometieron entrega el viernes y vinieron el lunes",
        "El pedido venía incompleto",
        "It arrived late",
        "My order never came",
        "Still waiting for my parcel",
        "The driver left the boxes in the rain",
        "Two bags were missing",
        "You sent the wrong item",
        "The van did not show up",
        "Nobody told me when they would come",
        "The delivery took forever",
        "Shipping was much slower than advertised",
        "Ten ordered, eight delivered",
        "The box was incomplete",
        "O pedido chegou atrasado",
        "Nunca chegou",
        "Ainda estou esperando minha encomenda",
        "O motorista deixou tudo na rua",
        "Faltaram duas caixas",
        "Veio o produto errado",
        "O caminhão não apareceu",
        "Não avisaram o horário da entrega",
        "A entrega foi muito lenta",
        "Extraviaram a minha mercadoria",
        "Comprei dois e recebi só um",
        "Não recebi o produto",
        "Pedido incompleto",
    ),
    "collections": (
        "Me cobraron dos veces",
        "Me hicieron un doble cobro en la tarjeta",
        "Me reportaron a Datacrédito sin deber nada",
        "Ya pagué y me siguen cobrando",
        "Me llaman a cobrar a las seis de la mañana",
        "Me cobraron el flete y decían que era gratis",
        "Me llegó un cobro jurídico por una cuenta pagada",
        "I was charged twice",
        "I keep getting letters about a debt I have paid",
        "Your collectors call my family",
        "Overcharged by 20%",
        "Charged for delivery that should have been free",
        "Fui cobrado duas vezes",
        "Cobrança indevida no cartão",
        "Já paguei e continuam me cobrando",
        "Meu nome foi para o SPC sem dever nada",
        "Me ligam todo dia para cobrar",
        "Cobraram o frete que era grátis",
        "Recebi cobrança de uma conta paga",
    ),
    "reception": (
        "No me devuelven la llamada",
        "Llevo tres días llamando y no me contestan",
        "Me colgaron el teléfono",
        "El conmutador suena y suena",
        "Me dejaron esperando en la línea cuarenta minutos",
        "No contestan el whatsapp",
        "Uno llama y lo dejan en espera",
        "Nobody answers the phone",
        "No one ever called me back",
        "I left three voicemails",
        "I was on hold for an hour",
        "Your phone line just rings",
        "Nobody picks up",
        "Ninguém atende o telefone",
        "Ninguém me retornou a ligação",
        "Fiquei meia hora na linha",
        "O telefone só chama",
    ),
    "warranty": (
        "La garantía no responde",
        "El taladro se dañó a la semana",
        "La bomba dejó de funcionar a los dos días",
        "Nadie me resolvió la garantía",
        "El taladro salió malo",
        "La pulidora no prende",
        "The warranty department ignores me",
        "The pump stopped working after a week",
        "It broke on the first day and they refuse to repair it",
        "The drill was faulty",
        "They will not honour the guarantee",
        "Nobody sorted out my warranty claim",
        "The grinder does not turn on",
        "It doesn't work",
        "A garantia não responde",
        "A furadeira quebrou no segundo dia",
        "Parou de funcionar em uma semana",
        "Não querem trocar o produto com defeito",
        "Ninguém resolveu a garantia",
        "A lixadeira não liga",
        "Produto veio com defeito",
    ),
    "service": (
        "Pésima atención",
        "Me atendió un señor muy grosero",
        "Me pasaron de una persona a otra y nadie solucionó",
        "Muy demorados para responder un correo",
        "Me trataron como si les estuviera pidiendo un favor",
        "Me trataron mal en la caja",
        "El que me atendió estaba de mal genio",
        "Tuve que contar lo mismo cuatro veces",
        "No dan solución",
        "Pésimo servicio",
        "He was rude to me",
        "Terrible customer service",
        "They read me a script and hung up",
        "I had to explain everything three times",
        "Nobody could solve my problem",
        "Staff were unfriendly and dismissive",
        "They were slow to reply to my email",
        "I was treated badly at the till",
        "Awful service",
        "Atendimento péssimo",
        "Fui tratado com grosseria",
        "O atendente foi mal-educado",
        "Passaram-me de um setor para outro",
        "Tive que explicar tudo de novo",
        "Ninguém resolveu o meu problema",
        "Me trataram mal no caixa",
        "Funcionário sem educação",
        "Não deram solução",
        "Péssimo serviço",
    ),
    "billing": (
        "La factura salió a nombre de otra empresa",
        "No me han enviado la factura electrónica",
        "Siguen sin hacerme la nota crédito",
        "Estoy esperando que me devuelvan la plata",
        "No me han hecho el reembolso",
        "Me facturaron con el NIT que no es",
        "El IVA está mal liquidado",
        "Still waiting for a refund",
        "They billed me for something I never bought",
        "The invoice has the wrong tax number",
        "The credit note has not been issued",
        "Wrong company name on the invoice",
        "VAT is wrong",
        "I want my money back",
        "Ainda não recebi o reembolso",
        "A nota fiscal veio com o CNPJ errado",
        "Nota fiscal errada",
        "Imposto calculado errado",
        "Quero meu dinheiro de volta",
    ),
    "sales": (
        "El vendedor me mintió sobre el precio",
        "Me presionaron para llevar el seguro",
        "Me vendieron algo que no me servía",
        "La asesora no sabía nada del producto",
        "Me cambiaron el precio al pagar",
        "El vendedor no me dejó ni mirar",
        "Mucha insistencia con la tarjeta de puntos",
        "The salesman lied about the price",
        "I felt pushed into buying the insurance",
        "It is not what I was promised in the shop",
        "The seller knew nothing about pumps",
        "Too pushy about the loyalty card",
        "O vendedor mentiu para mim",
        "Me empurraram um seguro",
        "Não era o que me ofereceram",
        "O vendedor não sabia explicar",
        "Propaganda enganosa",
        "O preço mudou na hora de pagar",
        "Insistiram demais no cartão",
    ),
}

SILENT = (
    "Pedí diez y me trajeron ocho",
    "The lady was short with me",
    "Was told Tuesday, came Friday",
    "Pedi dez e vieram oito",
    "Price changed at the till",
    "Tive que contar a mesma história quatro vezes",
    "Vivo en la calle 80, cerca de la moraleja",
    "Iván es de Cobre y Compañía",
    "See you later, alligator",
)
"""What no list can know, and words that only begin like one: left to the promise and to the event."""


@cache
def company() -> Organisation:
    return load(FILE, date(2026, 3, 6)).organisation


def said(words: str) -> tuple[str, ...]:
    return topics_of(Answer(rating=1, texts={"what": words}, at=FRIDAY_1630, how="button"), company())


@pytest.mark.parametrize(("department", "words"), [(to, each) for to, found in MEANT.items() for each in found])
def test_whom_the_words_mean_is_who_gets_the_case(department: str, words: str) -> None:
    assert said(words)[:1] == (department,)


@pytest.mark.parametrize("words", SILENT)
def test_words_that_name_nobody_send_nobody(words: str) -> None:
    assert said(words) == ()
