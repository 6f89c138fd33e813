//! How does a message go by mail? As plain text, to a relay: nearby without TLS and without a login, or by TLS with
//! one.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::message::Delivery;
use super::wait::within;
use crate::model::{MailTls, MailWay, Receiver};
use crate::outside::errand::ErrandEnd as SendEnd;
use crate::outward::Secret;

/// Letters of a subject: programs of mail cut longer ones anyway.
const SUBJECT_LETTERS_MAX: usize = 200;

/// The mail that tells something.
fn mail(way: &MailWay, delivery: &Delivery) -> Result<lettre::Message, String> {
    let address = |text: &str| text.parse::<Mailbox>().map_err(|error| format!("{text}: {error}"));
    let subject: String = delivery.title().chars().take(SUBJECT_LETTERS_MAX).collect();
    let domain = way.from.split_once('@').map_or("localhost", |(_, domain)| domain);
    let mut mail = lettre::Message::builder()
        .from(address(&way.from)?)
        .subject(subject)
        // The same for each attempt, so that whoever reads knows it.
        .message_id(Some(format!("<{}@{domain}>", delivery.id())));
    for to in &way.to {
        mail = mail.to(address(to)?);
    }
    let mail = mail.header(ContentType::TEXT_PLAIN).body(delivery.text());
    mail.map_err(|error| error.to_string())
}

/// How the line to the relay is kept from being read, by the host's own store of certificates.
fn tls(way: &MailWay, host: &str) -> Result<Tls, String> {
    let parameters = || TlsParameters::new_rustls(host.to_owned()).map_err(|error| plain(&error));
    Ok(match way.tls {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(parameters()?),
        MailTls::Tls => Tls::Wrapper(parameters()?),
    })
}

/// Sends it, once; with the password of its login, where it has one.
pub(super) async fn send(
    way: &MailWay,
    password: Option<&Secret>,
    receiver: &Receiver,
    delivery: &Delivery,
) -> SendEnd {
    let mail = match mail(way, delivery) {
        Ok(mail) => mail,
        Err(why) => return SendEnd::Refused(why),
    };
    let (host, port) = way.relay.rsplit_once(':').unwrap_or((way.relay.as_str(), ""));
    let tls = match tls(way, host) {
        Ok(tls) => tls,
        Err(why) => return SendEnd::NotNow(why),
    };
    let mut relay = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port.parse().unwrap_or(way.tls.port()))
        .tls(tls)
        .timeout(Some(receiver.time_limit));
    if let (Some(login), Some(password)) = (&way.login, password) {
        let password = password.expose().to_owned();
        relay = relay.credentials(Credentials::new(login.user.clone(), password));
    }
    let relay = relay.build();
    // Its own limit holds for each word of the relay's, ours for all of them.
    match within(receiver.time_limit, relay.send(mail)).await {
        None => SendEnd::Unknown("no answer in time".to_owned()),
        Some(Ok(_)) => SendEnd::Taken,
        Some(Err(error)) => end(&error),
    }
}

/// What an error means for the mail.
fn end(error: &Error) -> SendEnd {
    let why = plain(error);
    if error.is_permanent() {
        SendEnd::Refused(why)
    } else if error.is_transient() || error.is_client() {
        SendEnd::NotNow(why)
    } else {
        // The relay may have taken it before the line broke.
        SendEnd::Unknown(why)
    }
}

/// An error with its innermost cause.
fn plain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}
