//! Who may speak on a page? Links that open once, and the sessions they became: kept as hashes only.
//!
//! An invitation is a file that is named by the hash of its token. Whoever shows the token first turns it into a
//! session: a second file beside it, which can only come to be once. What lies here opens nothing by itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files;
use super::regular;
use super::whole::{self, Existing, Readers, WriteError};
use crate::model::Timestamp;

/// Bytes of one such file: a name, a role and two times.
const BYTES_MAX: u64 = 16 << 10;

/// Invitations that are kept; whoever asks for more has forgotten to take some back.
const INVITATIONS_MAX: usize = 500;

/// Hexadecimal digits of an id: half of a hash, which nobody guesses.
const ID_DIGITS: usize = 32;

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The name by which the journal will know them.
    pub name: String,
    /// The role in which they speak; none for whatever their name allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Who invited them.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Until when the link, or the session that it became, is good.
    pub until: Timestamp,
}

/// A session, as it lies beside its invitation.
#[derive(Serialize, Deserialize)]
struct StoredSession {
    /// The hash of what the browser keeps.
    secret: String,
    at: Timestamp,
}

/// Why a link does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// It is none of ours, or was taken back.
    #[error("there is no such invitation")]
    Unknown,
    /// It was used before.
    #[error("the link was used already")]
    Used,
    /// Its time is over.
    #[error("the link's time is over")]
    Over,
    /// There are too many.
    #[error("there are {INVITATIONS_MAX} invitations already")]
    TooMany,
    /// The disk refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The invitations of one state directory.
#[derive(Debug, Clone)]
pub struct Invitations {
    folder: PathBuf,
}

impl Invitations {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Invites somebody who will show this token, which is not kept.
    ///
    /// # Errors
    /// There are too many, or the disk refuses.
    pub fn invite(&self, token: &str, invited: &Invited) -> Result<(), InvitationError> {
        files::private_dir(&self.folder)?;
        self.clear(invited.at)?;
        if self.ids()?.len() >= INVITATIONS_MAX {
            return Err(InvitationError::TooMany);
        }
        let path = self.invitation(&id_of(token));
        let text = serde_json::to_vec_pretty(invited)
            .map_err(|e| StoreError::Engine { path: path.clone(), why: e.to_string() })?;
        files::write_atomically(&path, &text)?;
        Ok(())
    }

    /// Turns a link into a session with this secret, which is not kept; gives who it is for, and the id by which
    /// the session is found.
    ///
    /// # Errors
    /// The link is unknown, used or over, or the disk refuses.
    pub fn enter(
        &self,
        token: &str,
        secret: &str,
        now: Timestamp,
    ) -> Result<(Invited, String), InvitationError> {
        let id = id_of(token);
        let invited = self.read(&id).ok_or(InvitationError::Unknown)?;
        if invited.until <= now {
            return Err(InvitationError::Over);
        }
        let path = self.session(&id);
        let session = StoredSession { secret: hash_of(secret), at: now };
        let text = serde_json::to_vec_pretty(&session)
            .map_err(|e| StoreError::Engine { path: path.clone(), why: e.to_string() })?;
        // Of two who come with one link, one finds the place taken.
        match whole::write(&path, &text, Existing::Keep, Readers::Owner) {
            Ok(()) => Ok((invited, id)),
            Err(WriteError::Exists { .. }) => Err(InvitationError::Used),
            Err(WriteError::Io { path, source }) => {
                Err(StoreError::io("write", &path, source).into())
            }
            Err(other) => {
                let why = std::io::Error::other(other.to_string());
                Err(StoreError::io("write", &path, why).into())
            }
        }
    }

    /// Who speaks in a session; none when there is no such session, or its time is over.
    #[must_use]
    pub fn speaker(&self, id: &str, secret: &str, now: Timestamp) -> Option<Invited> {
        if !is_id(id) {
            return None;
        }
        let bytes = regular::read(&self.session(id), BYTES_MAX).ok()?;
        let session: StoredSession = serde_json::from_slice(&bytes).ok()?;
        // Hashes of hashes compare in constant time.
        let same =
            blake3::hash(session.secret.as_bytes()) == blake3::hash(hash_of(secret).as_bytes());
        self.read(id).filter(|invited| same && invited.until > now)
    }

    /// Takes back every invitation of that name, used or not; gives how many there were.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn revoke(&self, name: &str) -> Result<usize, InvitationError> {
        let mut count = 0;
        for id in self.ids()? {
            if self.read(&id).is_some_and(|invited| invited.name == name) {
                self.remove(&id)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Ends one session, and with it its invitation.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn leave(&self, id: &str) -> Result<(), InvitationError> {
        if is_id(id) { self.remove(id) } else { Ok(()) }
    }

    /// Those whose links or sessions are good, and whether each has come.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn list(&self, now: Timestamp) -> Result<Vec<(Invited, bool)>, InvitationError> {
        let mut found: Vec<(Invited, bool)> = self
            .ids()?
            .iter()
            .filter_map(|id| Some((self.read(id)?, self.session(id).exists())))
            .filter(|(invited, _)| invited.until > now)
            .collect();
        found.sort_by_key(|(invited, _)| invited.at);
        Ok(found)
    }

    fn clear(&self, now: Timestamp) -> Result<(), InvitationError> {
        for id in self.ids()? {
            if self.read(&id).is_some_and(|invited| invited.until <= now) {
                self.remove(&id)?;
            }
        }
        Ok(())
    }

    fn remove(&self, id: &str) -> Result<(), InvitationError> {
        // The invitation first: a session without one opens nothing.
        files::remove_durably(&self.invitation(id))?;
        files::remove_durably(&self.session(id))?;
        Ok(())
    }

    fn read(&self, id: &str) -> Option<Invited> {
        let bytes = regular::read(&self.invitation(id), BYTES_MAX).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn ids(&self) -> Result<Vec<String>, StoreError> {
        let names = files::entries(&self.folder)?;
        let id = |path: &PathBuf| {
            let id = path.file_name()?.to_str()?.strip_suffix(".invitation")?.to_owned();
            is_id(&id).then_some(id)
        };
        Ok(names.iter().filter_map(id).collect())
    }

    fn invitation(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.invitation"))
    }

    fn session(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.session"))
    }
}

fn id_of(token: &str) -> String {
    let mut id = hash_of(token);
    id.truncate(ID_DIGITS);
    id
}

fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hash_of(secret: &str) -> String {
    blake3::derive_key("backroad page invitation v1", secret.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn mei() -> Invited {
        Invited {
            name: "mei".to_owned(),
            role: Some("network-lead".to_owned()),
            by: "ops".to_owned(),
            at: at("2026-03-14T03:00:00Z"),
            until: at("2026-03-14T15:00:00Z"),
        }
    }

    #[test]
    fn a_link_opens_once_and_what_lies_on_disk_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let invitations = Invitations::new(folder.path().join("invitations"));
        let (token, secret) = ("the-token-0123456789", "the-secret-9876543210");
        invitations.invite(token, &mei()).unwrap();
        let now = at("2026-03-14T03:10:00Z");
        assert!(matches!(invitations.enter("another", secret, now), Err(InvitationError::Unknown)));
        let (found, id) = invitations.enter(token, secret, now).unwrap();
        assert_eq!(found, mei());
        assert!(matches!(invitations.enter(token, "x", now), Err(InvitationError::Used)));
        assert_eq!(invitations.speaker(&id, secret, now), Some(mei()));
        assert_eq!(invitations.speaker(&id, "another", now), None);
        assert_eq!(invitations.speaker("../../etc", secret, now), None);
        assert_eq!(invitations.speaker(&id, secret, at("2026-03-14T15:00:00Z")), None);
        for path in files::entries(&folder.path().join("invitations")).unwrap() {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(token) && !text.contains(secret), "{text}");
            assert!(!path.to_string_lossy().contains(token));
        }
        assert_eq!(invitations.revoke("mei").unwrap(), 1);
        assert_eq!(invitations.speaker(&id, secret, now), None);
    }

    #[test]
    fn a_link_whose_time_is_over_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let invitations = Invitations::new(folder.path().to_owned());
        invitations.invite("the-token-0123456789", &mei()).unwrap();
        let late = at("2026-03-14T15:00:00Z");
        let entered = invitations.enter("the-token-0123456789", "secret", late);
        assert!(matches!(entered, Err(InvitationError::Over)));
        assert!(invitations.list(late).unwrap().is_empty());
    }
}
