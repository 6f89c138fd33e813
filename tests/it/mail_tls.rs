//! The promise: mail goes to a relay by TLS and with a login where its receiver says so, never without what it says,
//! and the password is in nothing that is kept or printed.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::process::backroad;

const PASSWORD: &str = "mail-secret-7Qx2-p41";

/// How a relay begins.
#[derive(Clone, Copy, PartialEq)]
enum Relay {
    /// It offers TLS.
    Starttls,
    /// It offers none.
    Plain,
    /// It speaks TLS from the first byte.
    Tls,
    /// It offers TLS, and refuses it when it is asked for: as whoever sits on the line would make it.
    Refusing,
}

/// What a relay heard: lines, each with whether it came by TLS.
type Heard = Arc<Mutex<Vec<(bool, String)>>>;

trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

/// Answers one client; whether it wants to go on by TLS.
fn talk(line: &mut dyn Line, tls: bool, relay: Relay, heard: &Heard) -> bool {
    let mut lines = BufReader::new(line);
    let mut data = false;
    loop {
        let mut text = String::new();
        if lines.read_line(&mut text).unwrap_or(0) == 0 {
            return false;
        }
        let text = text.trim_end().to_owned();
        heard.lock().unwrap().push((tls, text.clone()));
        let word = text.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match word.as_str() {
            _ if data && text != "." => continue,
            "EHLO" if relay == Relay::Starttls && !tls => b"250-relay\r\n250 STARTTLS\r\n",
            "EHLO" if relay == Relay::Refusing => {
                b"250-relay\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"
            }
            "STARTTLS" if relay == Relay::Refusing => b"454 TLS is not available\r\n",
            // One without TLS would take a login all the same.
            "EHLO" if tls || relay == Relay::Plain => b"250-relay\r\n250 AUTH PLAIN LOGIN\r\n",
            "EHLO" => b"250 relay\r\n",
            "STARTTLS" => b"220 go on\r\n",
            "AUTH" => b"235 good\r\n",
            "DATA" => b"354 go on\r\n",
            "QUIT" => return false,
            _ => b"250 good\r\n",
        };
        data = word == "DATA";
        if lines.get_mut().write_all(answer).and_then(|()| lines.get_mut().flush()).is_err() {
            return false;
        }
        if word == "STARTTLS" && relay != Relay::Refusing {
            return true;
        }
    }
}

/// A relay on loopback: its port, what it heard, and the file with the certificate by which it is known.
fn relay(relay: Relay, folder: &Path) -> (u16, Heard, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let known = folder.join("relay.pem");
    std::fs::write(&known, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let own = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let secured = |stream: TcpStream| {
                StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream)
            };
            if relay == Relay::Tls {
                let mut stream = secured(stream);
                if stream.write_all(b"220 relay\r\n").is_ok() {
                    talk(&mut stream, true, relay, &own);
                }
                continue;
            }
            let _gone = stream.write_all(b"220 relay\r\n");
            if talk(&mut stream, false, relay, &own) {
                talk(&mut secured(stream), true, relay, &own);
            }
        }
    });
    (port, heard, known)
}

/// Sends a test message by a relay; its status and what was said.
fn told(folder: &Path, port: u16, tls: &str, known: Option<&Path>) -> (i32, String) {
    told_as(LOGIN, folder, (port, tls), known)
}

/// The lines of a receiver that logs in.
const LOGIN: &str = "      user: duty\n      password: \"env:MAIL_PASSWORD\"\n";

/// The same with these lines, or none, for its login.
fn told_as(
    login: &str,
    folder: &Path,
    (port, tls): (u16, &str),
    known: Option<&Path>,
) -> (i32, String) {
    let settings = folder.join("settings.yaml");
    let text = format!(
        "notify:\n  noc:\n    mail:\n      relay: \"localhost:{port}\"\n      from: dr@example.org\n      to: \
         noc@example.org\n      tls: {tls}\n{login}"
    );
    std::fs::write(&settings, text).unwrap();
    let mut command = backroad(&folder.join("state"), &["notify", "--test", "noc"]);
    command.env("BACKROAD_SETTINGS", &settings).env("MAIL_PASSWORD", PASSWORD);
    if let Some(known) = known {
        command.env("SSL_CERT_FILE", known).env_remove("SSL_CERT_DIR");
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn by_tls_it_logs_in_and_nothing_of_it_goes_over_an_open_line() {
    for (kind, word) in [(Relay::Starttls, "starttls"), (Relay::Tls, "tls")] {
        let folder = tempfile::tempdir().unwrap();
        let (port, heard, known) = relay(kind, folder.path());
        let (code, said) = told(folder.path(), port, word, Some(&known));
        assert_eq!(code, 0, "{word}: {said}");
        let heard = heard.lock().unwrap().clone();
        let words = |tls: bool| -> Vec<&str> {
            let own = heard.iter().filter(|(own, _)| *own == tls);
            own.map(|(_, line)| line.split(' ').next().unwrap_or_default()).collect()
        };
        let open = words(false);
        assert!(open.iter().all(|word| ["EHLO", "STARTTLS"].contains(word)), "{open:?}");
        let by_tls = words(true);
        for wanted in ["AUTH", "MAIL", "RCPT", "DATA"] {
            assert!(by_tls.contains(&wanted), "{word}: {wanted} is not among {by_tls:?}");
        }
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn a_relay_without_tls_or_of_a_certificate_that_nobody_knows_gets_neither_mail_nor_password() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, trusted) in [(Relay::Plain, true), (Relay::Starttls, false), (Relay::Tls, false)] {
        let (port, heard, known) = relay(kind, folder.path());
        let word = if kind == Relay::Tls { "tls" } else { "starttls" };
        // Another certificate than the relay's is known.
        let other = folder.path().join("other.pem");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&other, made.cert.pem()).unwrap();
        let known = if trusted { &known } else { &other };
        let (code, said) = told(folder.path(), port, word, Some(known));
        assert_eq!(code, 5, "{said}");
        let heard = heard.lock().unwrap().clone();
        for (_, line) in &heard {
            assert!(!line.starts_with("AUTH") && !line.starts_with("MAIL"), "{heard:?}");
        }
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn where_somebody_strips_the_offer_of_tls_nothing_is_said_whether_there_is_a_login_or_not() {
    let folder = tempfile::tempdir().unwrap();
    // The offer is taken out on the way, or what was offered is refused: the relay would take all of it in the open.
    for kind in [Relay::Plain, Relay::Refusing] {
        for login in [LOGIN, ""] {
            let (port, heard, known) = relay(kind, folder.path());
            let (code, said) = told_as(login, folder.path(), (port, "starttls"), Some(&known));
            assert_eq!(code, 5, "{said}");
            let heard = heard.lock().unwrap().clone();
            assert!(heard.iter().any(|(_, line)| line.starts_with("EHLO")), "{heard:?}");
            for (_, line) in &heard {
                let word = line.split(' ').next().unwrap_or_default();
                assert!(["EHLO", "STARTTLS", "QUIT", "RSET", "NOOP"].contains(&word), "{heard:?}");
            }
        }
    }
    // Where the receiver says that there shall be none, the same relay takes it: it was the offer that was missing.
    let (port, heard, _) = relay(Relay::Plain, folder.path());
    let (code, said) = told_as("", folder.path(), (port, "none"), None);
    assert_eq!(code, 0, "{said}");
    assert!(heard.lock().unwrap().iter().any(|(_, line)| line.starts_with("MAIL")));
}

#[test]
fn a_password_without_tls_or_half_a_login_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let check = |mail: &str| {
        let path = folder.path().join("settings.yaml");
        let text = format!(
            "notify:\n  noc: {{ mail: {{ relay: relay.example, from: a@example.org, to: b@example.org{mail} }} }}\n"
        );
        std::fs::write(&path, text).unwrap();
        let output = backroad(folder.path(), &["check", path.to_str().unwrap()]).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    };
    let (code, said) = check(", user: duty, password: \"env:P\"");
    assert!(code == 3 && said.contains("by TLS alone"), "{said}");
    let (code, said) = check(", tls: tls, user: duty");
    assert!(code == 3 && said.contains("both `user` and `password`"), "{said}");
    let (code, said) = check(", tls: ssl");
    assert!(code == 3 && said.contains("starttls"), "{said}");
    let (code, said) = check(", tls: tls, user: duty, password: hunter2");
    assert!(code == 3 && !said.contains("by TLS alone"), "{said}");
    let (code, said) = check(", tls: starttls, user: duty, password: \"env:P\"");
    assert_eq!(code, 0, "{said}");
}
