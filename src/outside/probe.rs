//! What does the network answer, asked from this host? Ports, web servers and names.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfigGroup, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::name_server::TokioConnectionProvider;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType as WireType};
use hickory_resolver::proto::{ProtoError, ProtoErrorKind};
use hickory_resolver::{ResolveError, TokioResolver};
use tokio::net::TcpStream;

use super::limit::within;
use super::web;
use crate::model::outside::HttpRequest;
use crate::model::probe::{ProbeAnswer, ProbeAsk, RecordType};

/// Asks from this host.
///
/// # Errors
/// Nobody answered, or the question could not be put: a clause for people, the same for the same trouble.
pub async fn answer_here(ask: &ProbeAsk, limit: Duration) -> Result<ProbeAnswer, String> {
    match ask {
        ProbeAsk::Tcp { host, port, .. } => tcp(host, *port, limit).await,
        ProbeAsk::Http { url, method, contains, .. } => {
            let request = HttpRequest {
                method: *method,
                url: url.clone(),
                headers: Vec::new(),
                body: None,
                status: Vec::new(),
            };
            let answer =
                web::send(&request, Vec::new(), limit).await.map_err(web::WebFault::told)?;
            let held =
                |text: &String| String::from_utf8_lossy(&answer.body).contains(text.as_str());
            Ok(ProbeAnswer::Http { status: answer.status, contains: contains.as_ref().map(held) })
        }
        ProbeAsk::Dns { name, record, server, .. } => {
            let answers = within(limit, dns(name, *record, *server, limit)).await;
            let answers = answers.unwrap_or_else(|| Err("no answer in time".to_owned()))?;
            Ok(ProbeAnswer::Dns { answers })
        }
    }
}

/// Whether a port takes connections. That nobody could ask is no “closed”.
async fn tcp(host: &str, port: u16, limit: Duration) -> Result<ProbeAnswer, String> {
    // A name that is looked for in vain says nothing of a port.
    let found = within(limit, tokio::net::lookup_host((host, port))).await;
    let found = found.ok_or_else(|| format!("what {host} stands for is not answered in time"))?;
    let addresses: Vec<SocketAddr> =
        found.map_err(|_| format!("the name {host} stands for no address here"))?.collect();
    let connect = async {
        let mut closed = false;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(_) => return Ok(true),
                Err(error) => match error.kind() {
                    ErrorKind::ConnectionRefused
                    | ErrorKind::ConnectionReset
                    | ErrorKind::TimedOut
                    | ErrorKind::HostUnreachable => closed = true,
                    ErrorKind::NetworkUnreachable => {}
                    _ => return Err(format!("it could not be asked: {error}")),
                },
            }
        }
        if closed { Ok(false) } else { Err("no network leads there from here".to_owned()) }
    };
    let open = within(limit, connect).await.unwrap_or(Ok(false))?;
    Ok(ProbeAnswer::Tcp { open })
}

/// The records of a name.
async fn dns(
    name: &str,
    record: RecordType,
    server: Option<SocketAddr>,
    limit: Duration,
) -> Result<Vec<String>, String> {
    let mut options = ResolverOpts::default();
    options.timeout = limit;
    options.attempts = 1;
    // What is asked is what is answered now.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    let builder = match server {
        Some(server) => {
            let servers =
                NameServerConfigGroup::from_ips_clear(&[server.ip()], server.port(), true);
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, TokioConnectionProvider::default())
        }
        None => TokioResolver::builder_tokio()
            .map_err(|_| "this host does not say which server it asks".to_owned())?,
    };
    let resolver = builder.with_options(options).build();
    // A name with a dot is whole: no domain of this host's is put behind it.
    let whole = if name.contains('.') && !name.ends_with('.') {
        format!("{name}.")
    } else {
        name.to_owned()
    };
    let kind = match record {
        RecordType::A => WireType::A,
        RecordType::Aaaa => WireType::AAAA,
        RecordType::Cname => WireType::CNAME,
        RecordType::Txt => WireType::TXT,
    };
    match resolver.lookup(whole, kind).await {
        Ok(found) => Ok(found.record_iter().filter_map(|own| shown(own.data(), kind)).collect()),
        Err(error) => none_of(&error),
    }
}

fn shown(data: &RData, kind: WireType) -> Option<String> {
    match data {
        RData::A(address) if kind == WireType::A => Some(address.to_string()),
        RData::AAAA(address) if kind == WireType::AAAA => Some(address.to_string()),
        RData::CNAME(name) if kind == WireType::CNAME => {
            Some(name.to_string().trim_end_matches('.').to_owned())
        }
        RData::TXT(text) if kind == WireType::TXT => {
            let parts = text.txt_data().iter().map(|part| String::from_utf8_lossy(part));
            Some(parts.collect())
        }
        _ => None,
    }
}

/// A server that says that there are no records has answered; any other trouble is none.
fn none_of(error: &ResolveError) -> Result<Vec<String>, String> {
    match error.proto().map(ProtoError::kind) {
        Some(ProtoErrorKind::NoRecordsFound { response_code, .. }) => match *response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(Vec::new()),
            other => Err(format!("the server answers {other}")),
        },
        _ => Err("no answer from the server".to_owned()),
    }
}
