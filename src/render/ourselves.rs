//! How is this program called again, from wherever somebody reads? With the place where its runs are kept, unless that
//! is where it would look anyway: a command that is shown is pasted elsewhere, and finds the same run.

use std::path::Path;

use super::RunView;
use crate::model::shell::quoted;

/// What every command of this program that is shown ends with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ourselves {
    ending: String,
}

/// Every command of ours begins so.
const NAME: &str = "backroad ";

/// What is asked about a run that there is: where it is kept must be known.
const OF_RUNS: [&str; 21] = [
    "approve",
    "cancel",
    "decline",
    "export",
    "journal",
    "metrics",
    "notify",
    "pause",
    "report",
    "resume",
    "retry",
    "runs",
    "settle",
    "skip",
    "source-down",
    "status",
    "take-over",
    "undo",
    "verify",
    "watch",
    "web",
];

impl Ourselves {
    /// Of a process whose runs are kept at a place that was named; none was named where they are kept as ever.
    #[must_use]
    pub fn at(state_dir: Option<&Path>, store: Option<&str>) -> Self {
        let state_dir = state_dir.map(|path| format!(" --state-dir {}", quoted_path(path)));
        let store = store.map(|place| format!(" --store {}", quoted(place)));
        Self { ending: state_dir.into_iter().chain(store).collect() }
    }

    /// A command of ours as it is typed.
    #[must_use]
    pub fn whole(&self, command: &str) -> String {
        let verb = command.strip_prefix(NAME).and_then(|words| words.split(' ').next());
        let kept_plan = command.starts_with("backroad run --plan ");
        let of_runs = verb.is_some_and(|verb| OF_RUNS.contains(&verb)) || kept_plan;
        match of_runs && !command.contains("--state-dir") && !command.contains("--store") {
            true => format!("{command}{}", self.ending),
            false => command.to_owned(),
        }
    }

    /// A text with its commands, which stand between backticks, as they are typed.
    #[must_use]
    pub fn within(&self, text: &str) -> String {
        if self.ending.is_empty() {
            return text.to_owned();
        }
        let mut parts = text.split('`');
        let mut whole = parts.next().unwrap_or_default().to_owned();
        // Every second part stands between two of them.
        for (place, part) in parts.enumerate() {
            whole.push('`');
            match place % 2 {
                0 => whole.push_str(&self.whole(part)),
                _ => whole.push_str(part),
            }
        }
        whole
    }
}

/// A path as a shell takes it; what no text can say of it is said byte by byte.
fn quoted_path(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return quoted(text);
    }
    let bytes = path.as_os_str().as_encoded_bytes();
    let letter = |byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\x{other:02x}"),
    };
    format!("$'{}'", bytes.iter().map(letter).collect::<String>())
}

impl RunView {
    /// Says how this program is called again, in every command of the page.
    #[must_use]
    pub fn told_by(mut self, ourselves: &Ourselves) -> Self {
        self.now = self.now.map(|truth| truth.told_by(ourselves));
        self.ourselves = ourselves.clone();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_shown_finds_the_run_from_wherever_it_is_pasted() {
        let named = Ourselves::at(Some(Path::new("/srv/the runs")), None);
        assert_eq!(
            named.whole("backroad resume r"),
            "backroad resume r --state-dir '/srv/the runs'"
        );
        assert_eq!(
            named.whole("backroad run --plan p.json"),
            "backroad run --plan p.json --state-dir '/srv/the runs'"
        );
        assert_eq!(named.whole("kill 7"), "kill 7");
        assert_eq!(named.whole("backroad permissions R"), "backroad permissions R");
        assert_eq!(named.whole("backroad runs --state-dir x"), "backroad runs --state-dir x");
        assert_eq!(
            named.within("See `backroad runs`, not `az`; or `backroad status r`."),
            "See `backroad runs --state-dir '/srv/the runs'`, not `az`; or \
             `backroad status r --state-dir '/srv/the runs'`."
        );
        let stored = Ourselves::at(None, Some("file:///mnt/x"));
        assert_eq!(
            stored.whole("backroad take-over 01"),
            "backroad take-over 01 --store file:///mnt/x"
        );
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let odd = std::ffi::OsStr::from_bytes(b"caf\xe9's \\x");
            let odd = Ourselves::at(Some(Path::new(odd)), None);
            assert_eq!(
                odd.whole("backroad resume r"),
                r"backroad resume r --state-dir $'caf\xe9\'s \\x'"
            );
        }
        let usual = Ourselves::at(None, None);
        assert_eq!(usual.whole("backroad resume r"), "backroad resume r");
        assert_eq!(usual.within("See `backroad runs`."), "See `backroad runs`.");
    }
}
