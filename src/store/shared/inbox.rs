//! How does a host that does not drive a run speak to it? Letters in the store, each answered once.
//!
//! A letter is taken before it is acted on: its answer is made as an object that must not exist yet. A driver
//! that dies in between has taken it all the same, and whoever drives on does not act on it again: at most
//! once, and the sender is told that it is not known. Its sender takes it back in the same way, so that a command of
//! which its giver was told that nobody took it is acted on by nobody.

use std::time::Duration;

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutMode, PutOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::objects::SharedStore;
use crate::model::RunId;
use crate::store::StoreError;

/// A letter is a command with a reason of a page.
const LETTER_BYTES_MAX: u64 = 64 << 10;

/// How many letters of a run are read at a time.
const LETTERS_MAX: usize = 64;

/// How long an answer is waited for, and how often it is looked for.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The letters to one run.
#[derive(Debug, Clone)]
pub struct Inbox {
    store: SharedStore,
    run: RunId,
}

/// A letter that was taken and is to be acted on now.
#[derive(Debug)]
pub struct Letter<T> {
    /// Its name: the later, the larger.
    pub id: String,
    /// What it says.
    pub said: T,
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// Somebody has taken it and has not said more.
    Taken,
    /// Its sender has taken it back: nobody acts on it.
    Withdrawn,
    /// It was done.
    Done,
    /// It was refused, and why.
    Refused(String),
}

impl Inbox {
    pub(super) fn new(store: SharedStore, run: RunId) -> Self {
        Self { store, run }
    }

    fn letters(&self) -> Path {
        self.store.prefix().clone().join("inbox").join(self.run.as_str())
    }

    fn answer(&self, id: &str) -> Path {
        self.store
            .prefix()
            .clone()
            .join("answers")
            .join(self.run.as_str())
            .join(format!("{id}.json"))
    }

    /// Puts a letter into the box, under a name that nobody else gives.
    ///
    /// # Errors
    /// The store does not answer: whether it lies there is unknown, and nobody acts on it twice.
    pub async fn send<T: Serialize + Sync>(&self, id: &str, said: &T) -> Result<(), StoreError> {
        let bytes =
            serde_json::to_vec(said).map_err(|error| self.store.strange(&error.to_string()))?;
        let path = self.letters().join(format!("{id}.json"));
        let put = self.store.objects().put_opts(&path, bytes.into(), PutMode::Create.into()).await;
        put.map(drop).map_err(|error| self.store.failed(&error))
    }

    /// What became of a letter; none while nobody has taken it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn answered(&self, id: &str) -> Result<Option<Answered>, StoreError> {
        match self.store.objects().get(&self.answer(id)).await {
            Ok(got) => {
                let bytes = got.bytes().await.map_err(|error| self.store.failed(&error))?;
                let read = serde_json::from_slice(&bytes);
                read.map(Some).map_err(|error| self.store.strange(&error.to_string()))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.store.failed(&error)),
        }
    }

    /// Waits for what becomes of a letter; what is known when the time is over.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn wait(&self, id: &str) -> Result<Option<Answered>, StoreError> {
        let looks = ANSWER_WITHIN.as_secs() / LOOK_EVERY.as_secs();
        let mut last = None;
        for look in 0..looks {
            last = self.answered(id).await?;
            if !matches!(last, None | Some(Answered::Taken)) {
                break;
            }
            let pause = if look < 5 { LOOK_EVERY / 5 } else { LOOK_EVERY };
            #[expect(
                clippy::disallowed_methods,
                reason = "another host is waited for by this one's time"
            )]
            tokio::time::sleep(pause).await;
        }
        Ok(last)
    }

    /// Takes letters, the eldest first. Each is given out once, whoever asks.
    ///
    /// # Errors
    /// The store does not answer. What cannot be read is answered so and left out.
    pub async fn take<T: DeserializeOwned>(&self) -> Result<Vec<Letter<T>>, StoreError> {
        let fail = |error: Error| self.store.failed(&error);
        let folder = self.letters();
        let listing = self.store.objects().list(Some(&folder));
        let mut listed: Vec<object_store::ObjectMeta> =
            listing.try_collect().await.map_err(fail)?;
        listed.sort_by(|a, b| a.location.cmp(&b.location));
        let mut taken = Vec::new();
        for meta in listed.into_iter().take(LETTERS_MAX) {
            let id = meta.location.filename().and_then(|name| name.strip_suffix(".json"));
            let Some(id) = id.map(str::to_owned) else { continue };
            if !self.is_first_to_say(&id, &Answered::Taken).await? {
                drop(self.store.objects().delete(&meta.location).await);
                continue;
            }
            let said = if meta.size > LETTER_BYTES_MAX {
                Err("it is too long".to_owned())
            } else {
                let got = self.store.objects().get(&meta.location).await.map_err(fail)?;
                let bytes = got.bytes().await.map_err(fail)?;
                serde_json::from_slice(&bytes).map_err(|error| error.to_string())
            };
            match said {
                Ok(said) => taken.push(Letter { id, said }),
                Err(why) => self.say(&id, &Answered::Refused(why)).await?,
            }
            drop(self.store.objects().delete(&meta.location).await);
        }
        Ok(taken)
    }

    /// Takes a letter back. Not where somebody has taken it: then what became of it is to be asked.
    ///
    /// # Errors
    /// The store does not answer: whether it counts is unknown.
    pub async fn withdraw(&self, id: &str) -> Result<bool, StoreError> {
        let withdrawn = self.is_first_to_say(id, &Answered::Withdrawn).await?;
        if withdrawn {
            // Whoever finds it first takes it away; nobody reads it.
            drop(self.store.objects().delete(&self.letters().join(format!("{id}.json"))).await);
        }
        Ok(withdrawn)
    }

    /// Whether nobody has said before what becomes of a letter.
    async fn is_first_to_say(&self, id: &str, answered: &Answered) -> Result<bool, StoreError> {
        let (path, bytes) = (self.answer(id), text(answered));
        match self.store.objects().put_opts(&path, bytes.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.store.failed(&error)),
        }
    }

    /// Says what became of a letter that was taken.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn say(&self, id: &str, answered: &Answered) -> Result<(), StoreError> {
        let options = PutOptions::default();
        let put =
            self.store.objects().put_opts(&self.answer(id), text(answered).into(), options).await;
        put.map(drop).map_err(|error| self.store.failed(&error))
    }
}

fn text(answered: &Answered) -> Vec<u8> {
    // Words and a text: there is nothing in it that JSON could not say.
    serde_json::to_vec(answered).unwrap_or_default()
}
