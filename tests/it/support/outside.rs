//! What is beside Azure, on loopback: programs of a folder, a web server and a name server that know their part.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up fails its test")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backroad::outside::Host;
use backroad::plan::{CompileOptions, Compiled, compile};
use backroad::runbook::SourceFile;

/// A program of a folder.
pub(crate) fn program(folder: &Path, name: &str, script: &str) -> PathBuf {
    let path = folder.join(name);
    let new = folder.join(format!("{name}.new"));
    std::fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(new, &path).unwrap();
    path
}

/// A host with the usual folders of programs.
pub(crate) fn host() -> Host {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin"];
    Host {
        path: folders.join(":"),
        folders: folders.iter().map(PathBuf::from).collect(),
        ..Host::default()
    }
}

/// A runbook of these steps, compiled.
pub(crate) fn compiled(head: &str, steps: &str) -> Compiled {
    let text = format!(
        "runbook: outside\ntitle: Outside\n{head}\ndefaults: {{ timeout: 10m, retry: {{ attempts: 3, delay: 1s, \
         delay_max: 1s }} }}\nsteps:\n{steps}"
    );
    compile(&SourceFile::new("outside.yaml", text), &CompileOptions::default())
}

/// A web server that gives these answers, one a request, the last again and again; each after so long.
pub(crate) struct Web {
    pub(crate) url: String,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub(crate) fn new(answers: Vec<(u64, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (millis, answer) = answers[number.min(answers.len() - 1)];
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || one(stream.unwrap(), &heard, millis, answer));
            }
        });
        Self { url, asked }
    }

    /// What a request had in a header.
    pub(crate) fn header(&self, request: usize, name: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap();
        let start = format!("{}: ", name.to_ascii_lowercase());
        let mut lines = asked.get(request)?.lines();
        let line = lines.find(|line| line.to_ascii_lowercase().starts_with(&start))?;
        Some(line[start.len()..].to_owned())
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn one(mut stream: TcpStream, heard: &Mutex<Vec<String>>, millis: u64, answer: &str) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
        });
        (body.len() >= length.unwrap_or(0)).then_some(text)
    };
    let text = loop {
        if let Some(text) = whole(&bytes) {
            break text;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    heard.lock().unwrap().push(text);
    std::thread::sleep(Duration::from_millis(millis));
    let (status, body) = answer.split_once(' ').unwrap_or((answer, ""));
    let more = if status == "302" { "location: /elsewhere\r\n" } else { "" };
    let length = body.len();
    let _gone = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
}

/// A name server that knows a few names of `example`, and is silent or broken about others.
pub(crate) fn names() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1_500];
        while let Ok((count, peer)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answered(&buffer[..count]) {
                socket.send_to(&answer, peer).unwrap();
            }
        }
    });
    address
}

fn answered(question: &[u8]) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let length = usize::from(question[at]);
        let label = String::from_utf8_lossy(&question[at + 1..at + 1 + length]);
        labels.push(label.to_ascii_lowercase());
        at += 1 + length;
    }
    let end = at + 5;
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let records: Vec<(u16, Vec<u8>)> = match (labels[0].as_str(), kind) {
        ("silent", _) => return None,
        ("app", 1) => vec![(1, vec![10, 40, 0, 4]), (1, vec![10, 40, 0, 5])],
        ("app", 28) => vec![(28, [vec![0x20, 0x01, 0x0d, 0xb8], vec![0; 11], vec![4]].concat())],
        ("alias", 5) => vec![(5, b"\x03app\x07example\x00".to_vec())],
        ("word", 16) => vec![(16, b"\x05v=dr1".to_vec())],
        _ => Vec::new(),
    };
    let code: u8 = match labels[0].as_str() {
        "gone" => 3,
        "broken" => 2,
        _ => 0,
    };
    let mut answer = question[..2].to_vec();
    answer.extend_from_slice(&[
        0x81,
        0x80 | code,
        0,
        1,
        0,
        u8::try_from(records.len()).unwrap(),
        0,
        0,
        0,
        0,
    ]);
    answer.extend_from_slice(&question[12..end]);
    for (kind, data) in records {
        answer.extend_from_slice(&[0xc0, 12]);
        answer.extend_from_slice(&kind.to_be_bytes());
        answer.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        answer.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        answer.extend_from_slice(&data);
    }
    Some(answer)
}
