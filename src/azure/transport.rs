//! How does a request get over the network? The only file that opens a connection outward.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http as core_http;

use super::bounded::token_answer;
use super::silence::Silence;
use super::wire::{Headers, Method, Wire, WireFault, WireRequest, WireResponse};
use crate::model::limits::{BODY_BYTES_MAX, CALL_TIMEOUT, TOKEN_BYTES_MAX};

/// HTTP to Resource Manager. Does not retry and does not follow redirects.
#[derive(Debug, Clone)]
pub struct HttpWire {
    client: reqwest::Client,
}

impl HttpWire {
    /// A client with our time-out, for all calls of a process. Takes the proxy that the environment
    /// names.
    ///
    /// # Errors
    /// The TLS roots of this machine cannot be read.
    pub fn new() -> Result<Self, WireFault> {
        Self::built(reqwest::Client::builder())
    }

    /// A client for endpoints on this machine, which no proxy can reach.
    ///
    /// # Errors
    /// As [`HttpWire::new`].
    pub fn loopback() -> Result<Self, WireFault> {
        Self::built(reqwest::Client::builder().no_proxy())
    }

    /// A client for a server on this machine that has a certificate of its own, as PEM.
    ///
    /// # Errors
    /// As [`HttpWire::new`], or it is no certificate.
    pub fn trusting(certificate: &str) -> Result<Self, WireFault> {
        let root = reqwest::Certificate::from_pem(certificate.as_bytes())
            .map_err(|error| WireFault::NotSent(plain(&error)))?;
        Self::built(reqwest::Client::builder().no_proxy().tls_certs_merge([root]))
    }

    fn built(builder: reqwest::ClientBuilder) -> Result<Self, WireFault> {
        let client = builder
            .timeout(CALL_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| WireFault::NotSent(plain(&error)))?;
        Ok(Self { client })
    }

    /// The same connections, for the credentials.
    #[must_use]
    pub fn for_credentials(&self) -> core_http::Transport {
        core_http::Transport::new(Arc::new(CredentialClient(self.client.clone())))
    }
}

/// An error without its URL, which may be 3 kB and signed.
fn plain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() {
        return "no answer within the call's time-out".to_owned();
    }
    if text.is_empty() { "the connection failed".to_owned() } else { text }
}

#[async_trait]
impl Wire for HttpWire {
    async fn send(&self, request: WireRequest) -> Result<WireResponse, WireFault> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.client.request(method, request.url);
        for (name, value) in request.headers.iter() {
            builder = builder.header(name, value);
        }
        let call = Silence::of_process().asked();
        let answer = builder.body(request.body).send().await.map_err(|error| {
            // Only a connection that was never made proves that nothing left.
            if error.is_connect() || error.is_builder() {
                WireFault::NotSent(plain(&error))
            } else {
                WireFault::Unanswered(plain(&error))
            }
        })?;
        call.answered();
        let status = answer.status().as_u16();
        let mut headers = Headers::new();
        for (name, value) in answer.headers() {
            headers.push(name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()));
        }
        let body = read_body(answer, BODY_BYTES_MAX).await?;
        Ok(WireResponse { status, headers, body })
    }
}

/// What a credential asks for that is not done here.
fn unsupported(what: &'static str) -> azure_core::Error {
    azure_core::Error::with_message(azure_core::error::ErrorKind::Other, what)
}

/// Reads a body up to a bound: what comes after it is not waited for.
async fn read_body(
    mut answer: reqwest::Response,
    bytes_max: usize,
) -> Result<bytes::Bytes, WireFault> {
    let mut body = bytes::BytesMut::new();
    loop {
        let chunk = answer.chunk().await.map_err(|error| WireFault::Unanswered(plain(&error)))?;
        let Some(chunk) = chunk else {
            return Ok(body.freeze());
        };
        if body.len() + chunk.len() > bytes_max {
            let why = format!("the answer is larger than {} kB", bytes_max >> 10);
            return Err(WireFault::Unanswered(why));
        }
        body.extend_from_slice(&chunk);
    }
}

/// The HTTP client of the credentials: one stack for both (D1).
#[derive(Debug)]
struct CredentialClient(reqwest::Client);

#[async_trait]
impl core_http::HttpClient for CredentialClient {
    async fn execute_request(
        &self,
        request: &core_http::Request,
    ) -> azure_core::Result<core_http::AsyncRawResponse> {
        let failed = |error: &reqwest::Error| {
            azure_core::Error::with_message(azure_core::error::ErrorKind::Io, plain(error))
        };
        let method = match request.method() {
            core_http::Method::Get => reqwest::Method::GET,
            core_http::Method::Post => reqwest::Method::POST,
            core_http::Method::Put => reqwest::Method::PUT,
            core_http::Method::Head => reqwest::Method::HEAD,
            core_http::Method::Patch => reqwest::Method::PATCH,
            core_http::Method::Delete => reqwest::Method::DELETE,
            // The enum may grow.
            _ => return Err(unsupported("It asks with a method that is not known.")),
        };
        let mut builder = self.0.request(method, request.url().clone());
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let body = match request.body() {
            core_http::Body::Bytes(bytes) => bytes.clone(),
            core_http::Body::SeekableStream(_) => {
                return Err(unsupported("It sends a stream, and credentials send forms."));
            }
        };
        let sent = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_str()));
        super::hygiene::know_sent(&body, sent);
        let call = Silence::of_process().asked();
        let answer = builder.body(body).send().await.map_err(|error| failed(&error))?;
        call.answered();
        let status = core_http::StatusCode::from(answer.status().as_u16());
        let mut headers = core_http::headers::Headers::new();
        for (name, value) in answer.headers() {
            headers.insert(
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            );
        }
        let told =
            |why: String| azure_core::Error::with_message(azure_core::error::ErrorKind::Io, why);
        let body =
            read_body(answer, TOKEN_BYTES_MAX).await.map_err(|fault| told(fault.to_string()))?;
        let body = token_answer(body).map_err(|much| {
            told(format!("the answer to the credential was not taken in: {much}"))
        })?;
        super::hygiene::know_given(&body);
        Ok(core_http::AsyncRawResponse::from_bytes(status, headers, body))
    }
}

#[cfg(test)]
mod tests {
    use azure_core::http::HttpClient;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Asks a host that answers with that body, over a real socket.
    async fn told(body: Vec<u8>) -> azure_core::Result<core_http::AsyncRawResponse> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let mut answering = tokio::task::JoinSet::new();
        answering.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            // Whoever stops reading breaks the pipe.
            drop(stream.write_all(&body).await);
        });
        let client = CredentialClient(HttpWire::loopback().unwrap().client);
        let url = azure_core::http::Url::parse(&url).unwrap();
        let request = core_http::Request::new(url, core_http::Method::Post);
        client.execute_request(&request).await
    }

    #[tokio::test]
    async fn an_answer_to_a_credential_is_read_no_further_than_a_token_goes() {
        let text = |answer: core_http::AsyncRawResponse| async {
            answer.try_into_raw_response().await.unwrap().into_body().as_ref().to_vec()
        };
        let body = r#"{"expires_in":1000000000000000000,"access_token":"t-r-a-n-s-p-o-r-t"}"#;
        let answer = text(told(body.into()).await.unwrap()).await;
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            r#"{"expires_in":172800,"access_token":"t-r-a-n-s-p-o-r-t"}"#
        );
        let error = told(vec![b' '; 64 << 20]).await.unwrap_err().to_string();
        assert!(error.contains("larger than 256 kB"), "{error}");
        let many = format!("[{}1]", "{},".repeat(80_000));
        let error = told(many.into()).await.unwrap_err().to_string();
        assert!(error.contains("more than 1000 values"), "{error}");
    }
}
