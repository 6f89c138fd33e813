//! Who speaks? The name that a person claims, and the operating system's account that they speak from.
//!
//! A name is what somebody typed; an account is what the system knows. Both are kept, side by side, and
//! whoever counts people counts accounts, unless the runbook trusts names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A person, as the journal has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredPerson", into = "StoredPerson")]
pub struct Person {
    /// The name that they gave, or their account's.
    pub name: String,
    /// The account that they spoke from; none in journals from before it was kept.
    pub account: Option<Box<Account>>,
}

/// The operating system's account that something was said from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number, where accounts have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The host.
    pub host: String,
    /// Who logged in, when that was another account: what the kernel keeps through `sudo` and `su`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// Who called `sudo`, as the environment says: noted, not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_user: Option<String>,
    /// Whether nobody but the speaker's own process vouches for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub said: bool,
    /// Whether it was said on the page of the run, by somebody who was invited to it: the account is that of
    /// whoever serves the page, and the name beside it the invitation's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invited: bool,
}

/// An account that logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Its number.
    pub uid: u32,
    /// Its name.
    pub name: String,
}

impl Account {
    /// Whose words these count as: who logged in where that is known, else the account itself.
    #[must_use]
    pub fn counted(&self) -> (&str, Option<u32>) {
        match &self.login {
            Some(login) => (&login.name, Some(login.uid)),
            None => (&self.name, self.uid),
        }
    }

    /// Whether both are one for whoever counts: the same number on a host, or the same name on any. One
    /// person on two hosts is one.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let ((name, uid), (others, other_uid)) = (self.counted(), other.counted());
        name == others || (uid.is_some() && uid == other_uid && self.host == other.host)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {}@{}", self.name, self.host)?;
        if let Some(uid) = self.uid {
            write!(f, ", uid {uid}")?;
        }
        if let Some(login) = &self.login {
            write!(f, ", logged in as {}", login.name)?;
        }
        if let Some(user) = &self.sudo_user {
            write!(f, ", SUDO_USER {user}")?;
        }
        if self.said {
            write!(f, ", by its own word")?;
        }
        if self.invited {
            write!(f, ", on the page by invitation")?;
        }
        Ok(())
    }
}

impl Person {
    /// The name by which a role knows them: the one they gave where names are trusted or nothing else is
    /// known, else their account's.
    #[must_use]
    pub fn known_as(&self, trust_names: bool) -> &str {
        match &self.account {
            Some(account) if !trust_names => account.counted().0,
            _ => &self.name,
        }
    }

    /// Whether both are one person for whoever counts.
    #[must_use]
    pub fn is_same(&self, other: &Self, trust_names: bool) -> bool {
        match (&self.account, &other.account) {
            _ if trust_names => self.name == other.name,
            (Some(one), Some(two)) => one.is_same(two),
            // One of them is from before accounts were kept: whatever may be the same is.
            (Some(_), None) | (None, Some(_)) | (None, None) => {
                self.name == other.name || self.known_as(false) == other.known_as(false)
            }
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => write!(f, "{} ({account})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl From<&str> for Person {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), account: None }
    }
}

impl From<String> for Person {
    fn from(name: String) -> Self {
        Self { name, account: None }
    }
}

/// As it is stored: a text where there is only a name, as journals had it before accounts were kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPerson {
    Name(String),
    Whole {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<Box<Account>>,
    },
}

impl From<StoredPerson> for Person {
    fn from(stored: StoredPerson) -> Self {
        match stored {
            StoredPerson::Name(name) => Self { name, account: None },
            StoredPerson::Whole { name, account } => Self { name, account },
        }
    }
}

impl From<Person> for StoredPerson {
    fn from(person: Person) -> Self {
        match person.account {
            None => Self::Name(person.name),
            account => Self::Whole { name: person.name, account },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, uid: u32, host: &str) -> Account {
        Account {
            name: name.to_owned(),
            uid: Some(uid),
            host: host.to_owned(),
            login: None,
            sudo_user: None,
            said: false,
            invited: false,
        }
    }

    fn person(name: &str, account: Account) -> Person {
        Person { name: name.to_owned(), account: Some(Box::new(account)) }
    }

    #[test]
    fn a_person_of_an_old_journal_reads_and_stays_a_name() {
        let old: Person = serde_json::from_str("\"Mei\"").unwrap();
        assert_eq!(old, Person::from("Mei"));
        assert_eq!(serde_json::to_string(&old).unwrap(), "\"Mei\"");
        let new = person("Mei", account("mei", 1000, "jump"));
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<Person>(&text).unwrap(), new);
    }

    #[test]
    fn the_account_stands_beside_the_name_that_is_claimed() {
        let mut account = account("root", 0, "jump");
        account.sudo_user = Some("ann".to_owned());
        let text = person("Mei", account).to_string();
        assert_eq!(text, "Mei (account root@jump, uid 0, SUDO_USER ann)");
    }

    #[test]
    fn two_names_of_one_account_are_one_person_unless_names_are_trusted() {
        let (mei, jun) = (account("ops", 900, "jump"), account("ops", 900, "jump"));
        let (mei, jun) = (person("mei", mei), person("jun", jun));
        assert!(mei.is_same(&jun, false));
        assert!(!mei.is_same(&jun, true));
    }

    #[test]
    fn what_only_the_environment_says_makes_nobody_another() {
        let mut first = account("svc", 900, "jump");
        let mut second = first.clone();
        (first.sudo_user, second.sudo_user) = (Some("ann".to_owned()), Some("bob".to_owned()));
        assert!(first.is_same(&second), "SUDO_USER is typed by anybody");
        first.login = Some(Login { uid: 1000, name: "ann".to_owned() });
        second.login = Some(Login { uid: 1001, name: "bob".to_owned() });
        assert!(!first.is_same(&second), "the kernel keeps who logged in");
        assert!(account("ann", 1000, "one").is_same(&account("ann", 1001, "two")));
        assert!(!account("ann", 1000, "one").is_same(&account("bob", 1000, "two")));
    }

    #[test]
    fn a_name_of_an_old_journal_is_the_account_of_that_name() {
        let old = Person::from("ann");
        assert!(old.is_same(&person("somebody else", account("ann", 1000, "jump")), false));
        assert!(old.is_same(&person("ann", account("bob", 1001, "jump")), false));
        assert!(!old.is_same(&person("bob", account("bob", 1001, "jump")), false));
    }
}
