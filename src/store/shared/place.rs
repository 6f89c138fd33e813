//! Where is the shared store? The text behind `--store`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

/// A shared store, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// `azblob://ACCOUNT/CONTAINER[/PREFIX]`: a container of Azure Blob Storage.
    Azure {
        /// The storage account.
        account: String,
        /// The container.
        container: String,
        /// What the names of all objects begin with; may be empty.
        prefix: String,
    },
    /// `s3://BUCKET[/PREFIX]`: a bucket of Amazon S3, or of what speaks as it does.
    S3 {
        /// The bucket.
        bucket: String,
        /// What the names of all objects begin with; may be empty.
        prefix: String,
    },
    /// `file:///DIR`: a folder that all hosts have mounted.
    Folder(PathBuf),
}

/// Why a text names no shared store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a shared store: {why}")]
pub struct BadPlace {
    text: String,
    why: &'static str,
}

const BAD_PREFIX: &str = "the prefix is names with slashes between them";

impl StorePlace {
    /// Reads it.
    ///
    /// # Errors
    /// The text is none; the message says what is missing.
    pub fn parse(text: &str) -> Result<Self, BadPlace> {
        let bad = |why| BadPlace { text: text.chars().take(120).collect(), why };
        if text.contains(['?', '#', '@']) {
            return Err(bad("keys and tokens do not belong into it; see `docs/operations.md`"));
        }
        if let Some(path) = text.strip_prefix("file://") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Folder(path))
            } else {
                Err(bad("a folder is written `file:///DIR`, from the root on"))
            };
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_prefix = |prefix: &str| Path::parse(prefix).is_ok();
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/');
            let good = |c: char| plain(c) || matches!(c, '-' | '.');
            if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(good) {
                return Err(bad("the bucket is 3 to 63 small letters, digits, hyphens and dots"));
            }
            if !is_prefix(prefix) {
                return Err(bad(BAD_PREFIX));
            }
            return Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        }
        let Some(rest) = text.strip_prefix("azblob://") else {
            return Err(bad(
                "write `azblob://ACCOUNT/CONTAINER[/PREFIX]`, `s3://BUCKET[/PREFIX]` or `file:///DIR`",
            ));
        };
        let mut parts = rest.splitn(3, '/');
        let (account, container) = (parts.next().unwrap_or_default(), parts.next());
        let container = container.unwrap_or_default();
        let prefix = parts.next().unwrap_or_default().trim_matches('/');
        // Azure's own rules for the two names.
        if !(3..=24).contains(&account.len()) || !account.chars().all(plain) {
            return Err(bad("the account is 3 to 24 small letters and digits"));
        }
        if !(3..=63).contains(&container.len()) || !container.chars().all(|c| plain(c) || c == '-')
        {
            return Err(bad("the container is 3 to 63 small letters, digits and hyphens"));
        }
        if !is_prefix(prefix) {
            return Err(bad(BAD_PREFIX));
        }
        Ok(Self::Azure {
            account: account.to_owned(),
            container: container.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// What the names of all objects in it begin with.
    #[must_use]
    pub fn prefix(&self) -> Path {
        match self {
            Self::Azure { prefix, .. } | Self::S3 { prefix, .. } => Path::from(prefix.as_str()),
            Self::Folder(_) => Path::default(),
        }
    }

    /// The objects of a folder; none for a place that needs a credential.
    ///
    /// # Errors
    /// The folder is not there.
    pub fn folder(&self) -> Option<Result<Arc<dyn ObjectStore>, object_store::Error>> {
        let Self::Folder(path) = self else { return None };
        let store = LocalFileSystem::new_with_prefix(path);
        Some(store.map(|store| Arc::new(store) as Arc<dyn ObjectStore>))
    }
}

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Azure { account, container, prefix } if prefix.is_empty() => {
                write!(f, "azblob://{account}/{container}")
            }
            Self::Azure { account, container, prefix } => {
                write!(f, "azblob://{account}/{container}/{prefix}")
            }
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Folder(path) => write!(f, "file://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_and_written_the_same() {
        for text in [
            "azblob://stbackroad/runs",
            "azblob://stbackroad/runs/team-a/x",
            "file:///mnt/x",
            "s3://team.runs",
            "s3://runs/a/b",
        ] {
            assert_eq!(StorePlace::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            StorePlace::parse("azblob://stbackroad/runs/").unwrap().to_string(),
            "azblob://stbackroad/runs"
        );
    }

    #[test]
    fn what_is_no_place_says_what_is_wrong() {
        for (text, word) in [
            ("azblob://x/runs", "account"),
            ("azblob://stbackroad", "container"),
            ("azblob://stbackroad/Runs", "container"),
            ("azblob://stbackroad/runs?sig=abc", "keys"),
            ("file://relative", "file:///DIR"),
            ("s3://Bucket", "bucket"),
            ("s3://runs?versionId=x", "keys"),
            ("gs://bucket", "azblob://"),
            ("", "azblob://"),
        ] {
            let error = StorePlace::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
