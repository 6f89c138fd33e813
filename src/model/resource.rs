//! Which Azure resource? An ARM resource id, taken apart once and compared without regard to case.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::IdError;

/// An ARM resource id: `/subscriptions/{s}/resourceGroups/{g}/providers/{ns}/{type}/{name}…`.
///
/// Keeps the letters it was given and compares folded, as Azure does (azure-facts 3.8).
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId {
    whole: Arc<Id>,
    /// How much of the text is this id: a parent shares the text of its child.
    end: usize,
}

/// What an id is made of. Ids are copied far more often than they are made: a copy shares this.
struct Id {
    text: String,
    /// The same letters in lower case, at the same places.
    folded: String,
    /// Where the slashes before the first parts stand: the subscription's word first, and behind the top-level
    /// name last, which is the end of an id that has no more.
    slashes: [usize; 9],
}

/// A resource type, such as `Microsoft.Network/virtualNetworkGateways`; compared without case.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceType(Arc<TypeName>);

struct TypeName {
    text: String,
    folded: String,
}

/// An Azure region in its short form: `southeastasia`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

const RESOURCE_ID_BYTES_MAX: usize = 2_048;

impl ResourceId {
    /// Parses an id.
    ///
    /// # Errors
    /// It does not have the form of a resource in a resource group; the message names what is missing.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = |why| IdError::new("resource id", text, why);
        if text.len() > RESOURCE_ID_BYTES_MAX {
            return Err(wrong("is longer than 2048 bytes"));
        }
        // Without an early end, so that a processor looks at many at once.
        let illegal = |byte: u8| {
            let signs = [b'?', b'#', b'\\', b'<', b'>', b'%', 0x7f];
            signs.iter().fold(byte < 0x20, |any, sign| any | (byte == *sign))
        };
        let any_illegal = text.bytes().fold(false, |any, byte| any | illegal(byte));
        // Of the letters beyond ASCII some are controls as well.
        let control = || !text.is_ascii() && text.chars().any(char::is_control);
        if any_illegal || control() {
            return Err(wrong("holds a character that no resource name may have"));
        }
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        if !trimmed.starts_with('/') {
            return Err(wrong("must start with /subscriptions/"));
        }
        let (mut count, mut slashes) = (0_usize, [trimmed.len(); 9]);
        let mut begins = 0;
        for (at, byte) in trimmed.bytes().enumerate().skip(1).chain([(trimmed.len(), b'/')]) {
            if byte != b'/' {
                continue;
            }
            if matches!(&trimmed[begins + 1..at], "" | "." | "..") {
                return Err(wrong("has an empty part"));
            }
            if let Some(slash) = slashes.get_mut(count) {
                *slash = begins;
            }
            count += 1;
            begins = at;
        }
        let whole = Id { text: trimmed.to_owned(), folded: trimmed.to_ascii_lowercase(), slashes };
        let is = |place: usize, word: &str| whole.part(place).eq_ignore_ascii_case(word);
        if !is(0, "subscriptions") {
            return Err(wrong("must start with /subscriptions/"));
        }
        if !is(2, "resourceGroups") {
            return Err(wrong("must name a resource group after the subscription"));
        }
        if !is(4, "providers") || count < 8 {
            return Err(wrong("must name a provider, a type and a name after the resource group"));
        }
        if !count.is_multiple_of(2) {
            return Err(wrong("ends with a type that has no name"));
        }
        Ok(Self { whole: Arc::new(whole), end: trimmed.len() })
    }

    fn cut(&self, end: usize) -> Self {
        Self { whole: Arc::clone(&self.whole), end }
    }

    /// The id with the letters it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.whole.text[..self.end]
    }

    /// The id in lower case: equal ids have equal keys.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.whole.folded[..self.end]
    }

    /// The subscription's id.
    #[must_use]
    pub fn subscription(&self) -> &str {
        self.whole.part(1)
    }

    /// The resource group's name.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        self.whole.part(3)
    }

    /// The words of the type, in a writing of this id: the namespace, then its type and those of its children.
    fn type_words<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let [from, next] = [5, 6].map(|place| self.whole.slashes[place]);
        let types = text[next + 1..self.end].split('/').step_by(2);
        std::iter::once(&text[from + 1..next]).chain(types)
    }

    fn type_in(&self, text: &str) -> String {
        let mut kind = String::with_capacity(self.end - self.whole.slashes[5]);
        for word in self.type_words(text) {
            if !kind.is_empty() {
                kind.push('/');
            }
            kind.push_str(word);
        }
        kind
    }

    /// The type, with its parents' types: `Microsoft.Network/expressRouteCircuits/peerings`.
    #[must_use]
    pub fn resource_type(&self) -> ResourceType {
        ResourceType::from_text(self.type_in(&self.whole.text))
    }

    /// The type in lower case: equal types have equal keys.
    #[must_use]
    pub fn type_key(&self) -> String {
        self.type_in(&self.whole.folded)
    }

    /// The last word of the type, in lower case.
    #[must_use]
    pub fn type_word_key(&self) -> &str {
        self.key().rsplit('/').nth(1).unwrap_or_default()
    }

    /// Whether this is of the named type, whatever the case of its letters.
    #[must_use]
    pub fn is_a(&self, kind: &str) -> bool {
        let mut words = kind.split('/');
        let mut own = self.type_words(&self.whole.text);
        own.all(|own| words.next().is_some_and(|word| own.eq_ignore_ascii_case(word)))
            && words.next().is_none()
    }

    /// Whether its top-level resource is of the named type, whatever the case of its letters.
    #[must_use]
    pub fn is_of(&self, kind: &str) -> bool {
        let mut words = kind.split('/');
        let mut own = self.type_words(&self.whole.text);
        let same = |own: &str, word: &str| own.eq_ignore_ascii_case(word);
        words.all(|word| own.next().is_some_and(|own| same(own, word)))
    }

    /// The last name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_str().rsplit('/').next().unwrap_or_default()
    }

    /// The resource this one is part of, for a child such as a subnet.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.end <= self.whole.slashes[8] {
            return None;
        }
        let cut = self.as_str().rmatch_indices('/').nth(1)?.0;
        Some(self.cut(cut))
    }

    /// The top-level resource that this one is, or is part of.
    #[must_use]
    pub fn root(&self) -> Self {
        self.cut(self.end.min(self.whole.slashes[8]))
    }

    /// Whether this is a child of `other`: one type and one name below it.
    #[must_use]
    pub fn is_child_of(&self, other: &Self) -> bool {
        let below = self.key().strip_prefix(other.key()).and_then(|rest| rest.strip_prefix('/'));
        below.is_some_and(|rest| rest.bytes().filter(|byte| *byte == b'/').count() == 1)
    }

    /// A child of this resource, such as `subnets` and `GatewaySubnet` of a virtual network.
    ///
    /// # Errors
    /// The type or name holds a character that no resource name may have.
    pub fn child(&self, kind: &str, name: &str) -> Result<Self, IdError> {
        Self::parse(&format!("{self}/{kind}/{name}"))
    }

    /// A resource of another type and name in the same resource group.
    ///
    /// # Errors
    /// The type or name holds a character that no resource name may have.
    pub fn sibling(&self, kind: &str, name: &str) -> Result<Self, IdError> {
        Self::parse(&format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{kind}/{name}",
            self.subscription(),
            self.resource_group()
        ))
    }

    /// Whether this is `other` or inside it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.key()
            .strip_prefix(other.key())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl Id {
    /// One of the first parts, by its place.
    fn part(&self, place: usize) -> &str {
        let from = self.slashes[place];
        self.text[from..self.slashes[place + 1]].strip_prefix('/').unwrap_or_default()
    }
}

impl ResourceType {
    fn from_text(text: String) -> Self {
        let folded = text.to_ascii_lowercase();
        Self(Arc::new(TypeName { text, folded }))
    }

    /// Parses `Namespace/type` or `Namespace/type/childType`.
    ///
    /// # Errors
    /// There is no slash, or a part is empty.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '.';
        if text.split('/').count() < 2
            || text.split('/').any(|part| part.is_empty() || !part.chars().all(legal))
        {
            return Err(IdError::new(
                "resource type",
                text,
                "must be written like Microsoft.Network/virtualNetworks",
            ));
        }
        Ok(Self::from_text(text.to_owned()))
    }

    /// The type with the letters it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    fn key(&self) -> &str {
        &self.0.folded
    }

    /// Whether this is the named type, whatever the case of its letters.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.folded.eq_ignore_ascii_case(text)
    }
}

impl Region {
    /// Parses a region's short or display name: `southeastasia`, `Southeast Asia`.
    ///
    /// Whether Azure has such a region is the compiler's question, not the type's.
    ///
    /// # Errors
    /// The text is empty or holds anything but letters, digits and spaces.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let short: String =
            text.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_lowercase();
        if short.is_empty()
            || short.len() > super::limits::NAME_BYTES_MAX
            || !short.chars().all(|c| c.is_ascii_alphanumeric())
        {
            return Err(IdError::new("region", text, "must be written like southeastasia"));
        }
        Ok(Self(short))
    }

    /// The short name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text in and out through the parser, comparison by the folded form.
macro_rules! folded_text {
    ($name:ident) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.key() == other.key()
            }
        }
        impl Eq for $name {}
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.key().cmp(other.key())
            }
        }
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.key().hash(state);
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }
    };
}

folded_text!(ResourceId);

/// A text that is in lower case already finds what a map keeps under an id.
impl std::borrow::Borrow<str> for ResourceId {
    fn borrow(&self) -> &str {
        self.key()
    }
}

folded_text!(ResourceType);

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

/// `FromStr` and `TryFrom<String>` by the type's `parse`.
macro_rules! parses {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }
    };
}

parses!(ResourceId);
parses!(ResourceType);
parses!(Region);

#[cfg(test)]
mod tests {
    use super::*;

    const CIRCUIT: &str =
        "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Network/expressRouteCircuits/er1";

    #[test]
    fn ids_compare_without_case_and_keep_their_letters() {
        let one = ResourceId::parse(CIRCUIT).unwrap();
        let two = ResourceId::parse(&CIRCUIT.to_uppercase()).unwrap();
        assert_eq!(one, two);
        assert_eq!(one.to_string(), CIRCUIT);
    }

    #[test]
    fn an_id_is_taken_apart() {
        let circuit = ResourceId::parse(CIRCUIT).unwrap();
        let peering = circuit.child("peerings", "AzurePrivatePeering").unwrap();
        assert_eq!(peering.parent(), Some(circuit.clone()));
        assert_eq!(circuit.parent(), None);
        assert!(peering.resource_type().is("microsoft.network/expressroutecircuits/peerings"));
        assert!(peering.is_within(&circuit) && !circuit.is_within(&peering));
        assert!(peering.is_a("MICROSOFT.network/expressRouteCircuits/Peerings"));
        for other in ["Microsoft.Network", "Microsoft.Network/expressRouteCircuits", "a/b/c/d"] {
            assert!(!peering.is_a(other), "{other}");
        }
        let shared = peering.child("connections", "reach").unwrap().parent().unwrap();
        assert_eq!((&shared, shared.name()), (&peering, "AzurePrivatePeering"));
        assert_eq!((shared.parent(), shared.root()), (Some(circuit.clone()), circuit.clone()));
        assert_eq!(shared.resource_type(), peering.resource_type());
        assert_eq!(shared.type_key(), "microsoft.network/expressroutecircuits/peerings");
        assert_eq!((circuit.root(), shared.root().parent()), (circuit.clone(), None));
        assert_eq!(
            (circuit.subscription(), circuit.resource_group(), circuit.name()),
            ("s1", "rg", "er1")
        );
    }

    #[test]
    fn what_is_not_an_id_is_refused_with_the_missing_part() {
        for (wrong, part) in [
            ("er1", "/subscriptions/"),
            ("/subscriptions/s/resourceGroups/g", "provider"),
            ("/subscriptions/s/providers/x/y/z/a/b", "resource group"),
            ("/subscriptions/s/resourceGroups/g/providers/N/t", "provider"),
            ("/subscriptions/s/resourceGroups/g/providers/N/t/n/child", "no name"),
            ("/subscriptions/s/resourceGroups/g/providers/N/t/../x", "empty part"),
            ("/subscriptions/s/resourceGroups/g/providers/N/t/n?x=1", "character"),
        ] {
            let error = ResourceId::parse(wrong).unwrap_err().to_string();
            assert!(error.contains(part), "{wrong}: {error}");
        }
    }

    #[test]
    fn regions_are_read_by_either_name() {
        assert_eq!(
            Region::parse("Southeast Asia").unwrap(),
            Region::parse("southeastasia").unwrap()
        );
    }
}
