"""The mail sink through real mail clients: it takes everything, shows it, and passes nothing on."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import aiosmtplib
import pytest

if TYPE_CHECKING:
    from sandbox.tests.conftest import MailSink


def a_mail(to: str = "ann@example.com", subject: str = "Your order", text: str = "Thank you.") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Shop <shop@example.com>", to, subject
    message["Message-ID"] = "<fulfil.acme.o-1.send_mail@waybill>"
    message.set_content(text)
    return message


def send(sink: MailSink, *messages: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=5) as smtp:
        for message in messages:
            smtp.send_message(message)


def page(sink: MailSink, path: str = "/") -> str:
    with urlopen(sink.url + path) as answer:
        text: str = answer.read().decode()
    return text


def test_mail_is_shown_as_it_was_sent(mail_sink: MailSink) -> None:
    send(mail_sink, a_mail(subject="Größe bestätigt", text="Grüße\nShop"))
    (message,) = mail_sink.messages()
    assert message["from"] == "shop@example.com"
    assert message["to"] == ["ann@example.com"]
    assert message["subject"] == message["headers"]["Subject"] == "Größe bestätigt"
    assert message["message_id"] == "<fulfil.acme.o-1.send_mail@waybill>"
    assert message["text"].splitlines() == ["Grüße", "Shop"]
    assert message["received_at"].endswith("+00:00")
    assert mail_sink.get(f"/messages/{message['id']}") == message


async def test_async_client_delivers_too(mail_sink: MailSink) -> None:
    await aiosmtplib.send(a_mail(), hostname="127.0.0.1", port=mail_sink.smtp_port, start_tls=False)
    assert [message["subject"] for message in mail_sink.messages()] == ["Your order"]


def test_the_same_mail_twice_is_two_mails(mail_sink: MailSink) -> None:
    send(mail_sink, a_mail(), a_mail())
    assert len(mail_sink.messages()) == 2


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("?to=ANN@example.com", ["First"]),
        ("?to=ann", []),
        ("?subject=sec", ["Second"]),
        ("?contains=BYE", ["Second"]),
        ("?to=bob@example.com&contains=hello", []),
        ("", ["First", "Second"]),
    ],
)
def test_filters_narrow_the_list(mail_sink: MailSink, query: str, subjects: list[str]) -> None:
    send(mail_sink, a_mail("ann@example.com", "First", "hello"), a_mail("bob@example.com", "Second", "good bye"))
    assert [message["subject"] for message in mail_sink.messages(query)] == subjects


def test_recipients_are_refused_one_by_one_on_purpose(mail_sink: MailSink) -> None:
    recipients = ["refuse-550@example.com", "ann@example.com", "later-451@example.com"]
    with smtplib.SMTP("127.0.0.1", mail_sink.smtp_port, timeout=5) as smtp:
        refused = smtp.send_message(a_mail(), to_addrs=recipients)
    assert {address: code for address, (code, _) in refused.items()} == {recipients[0]: 550, recipients[2]: 451}
    assert [message["to"] for message in mail_sink.messages()] == [["ann@example.com"]]


async def test_async_client_sees_a_temporary_refusal_as_such(mail_sink: MailSink) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
        await aiosmtplib.send(
            a_mail("later-451@example.com"), hostname="127.0.0.1", port=mail_sink.smtp_port, start_tls=False
        )
    assert [one.code for one in refusal.value.recipients] == [451]
    assert mail_sink.messages() == []


def test_inbox_can_be_emptied(mail_sink: MailSink) -> None:
    send(mail_sink, a_mail())
    assert mail_sink.request("DELETE", "/messages")[0] == 204
    assert mail_sink.messages() == []


def test_page_shows_mail_and_runs_nothing_of_it(mail_sink: MailSink) -> None:
    evil = "<script>alert(1)</script>"
    send(mail_sink, a_mail(subject=evil, text=evil))
    shown = page(mail_sink)
    assert evil not in shown
    assert shown.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert 'value="&quot;&gt;&lt;b&gt;"' in page(mail_sink, "/?contains=%22%3E%3Cb%3E")


def test_page_finds_text_and_its_button_empties_the_inbox(mail_sink: MailSink) -> None:
    send(mail_sink, a_mail(subject="First", text="hello"), a_mail(subject="Second", text="good bye"))
    found = page(mail_sink, "/?contains=bye")
    assert "Second" in found
    assert "First" not in found
    with urlopen(Request(f"{mail_sink.url}/clear", method="POST")) as answer:
        assert "No mail here." in answer.read().decode()


def test_html_mail_without_plain_part_shows_its_source(mail_sink: MailSink) -> None:
    message = a_mail()
    message.set_content("<p>Hi</p>", subtype="html")
    send(mail_sink, message)
    assert mail_sink.messages()[0]["text"].strip() == "<p>Hi</p>"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"no headers at all", "no headers at all"),
        (b"Content-Type: text/plain; charset=x-unknown\r\n\r\nstill there", "still there"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", ""),
        (b"Subject: =?utf-8?b?broken\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%", ""),
    ],
)
def test_malformed_mail_is_taken_all_the_same(mail_sink: MailSink, content: bytes, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", mail_sink.smtp_port, timeout=5) as smtp:
        smtp.sendmail("shop@example.com", "ann@example.com", content)
    (message,) = mail_sink.messages()
    assert message["text"].strip() == text
    assert page(mail_sink, f"/messages/{message['id']}/raw").strip() == content.decode().strip()


def test_unknown_message_is_a_404(mail_sink: MailSink) -> None:
    assert mail_sink.request("GET", "/messages/7") == (404, {"error": "no such message"})
