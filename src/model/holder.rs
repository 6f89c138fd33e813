//! Who drives a run? A host, the program and its process, in one line for people: journals and leases keep the line.

use std::fmt;

/// A process that has a run to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its host.
    pub host: String,
    /// Its id there.
    pub process: u32,
}

impl Holder {
    /// What stands behind the host in the line.
    const AFTER_HOST: char = ',';

    /// The host that a line names. Earlier versions, and other programs, may have written anything: it is all host then.
    #[must_use]
    pub fn host_in(line: &str) -> &str {
        line.split_once(Self::AFTER_HOST).map_or(line, |(host, _)| host)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, process } = self;
        let version = env!("CARGO_PKG_VERSION");
        write!(f, "{host}{} backroad {version} (process {process})", Self::AFTER_HOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_line_is_the_one_it_was_made_of() {
        let line = Holder { host: "dr-1.example".to_owned(), process: 7 }.to_string();
        assert_eq!(Holder::host_in(&line), "dr-1.example");
        assert!(line.ends_with(" (process 7)"), "{line}");
        assert_eq!(Holder::host_in("dr-1"), "dr-1");
    }
}
