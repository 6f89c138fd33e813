//! When has a list ended? Its pages put together, each once, up to a bound.
//!
//! A list is whole or it is an error: what looks at half an inventory says that the other half is not there.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::bounded::JsonShape;
use crate::model::{StepError, limits};

/// Why a list is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Broken {
    /// The link to the next page leads to one that was read.
    #[error(
        "Azure's list leads in a circle: page {0} names one as the next that was read already."
    )]
    Circle(usize),
    /// It goes on and on.
    #[error("Azure's list has more than {} pages.", limits::PAGES_MAX)]
    Pages,
    /// It is more than is kept.
    #[error(
        "Azure's list is larger than {megabytes} MB or {values} values at its page {page}; it was not \
         taken in.",
        megabytes = limits::LIST_BYTES_MAX >> 20,
        values = limits::LIST_VALUES_MAX,
        page = .0
    )]
    Size(usize),
    /// A page or the link to it is none.
    #[error("Azure's list breaks off: what it names as page {0} is no page of a list.")]
    Off(usize),
}

impl From<Broken> for StepError {
    fn from(broken: Broken) -> Self {
        let (code, hint) = match broken {
            Broken::Circle(_) => (
                "list_in_a_circle",
                "Something between here and Azure rewrites or caches `nextLink`: look for a proxy.",
            ),
            Broken::Pages => (
                "list_too_long",
                "No list that is read here is that long: look for a proxy that rewrites `nextLink`.",
            ),
            Broken::Size(_) => {
                ("list_too_large", "Capture or check fewer resource groups at a time.")
            }
            Broken::Off(_) => {
                ("list_breaks_off", "Read it again; what was read until then is not used.")
            }
        };
        Self::rejected(code, broken.to_string()).caused_by(hint)
    }
}

/// The pages of one list that were read.
#[derive(Debug)]
pub(super) struct Pages {
    seen: BTreeSet<Url>,
    read: usize,
    shape: JsonShape,
}

impl Pages {
    /// The first.
    pub(super) fn from(url: &Url, body: &[u8]) -> Self {
        Self { seen: BTreeSet::from([plain(url.clone())]), read: 1, shape: JsonShape::of(body) }
    }

    /// Where the next page is, taken out of what is there of the list; none where it has ended.
    ///
    /// # Errors
    /// It was read already, or is no link, or one too many.
    pub(super) fn next_of(&mut self, list: &mut Value) -> Result<Option<String>, StepError> {
        let Some(list) = list.as_object_mut() else { return Ok(None) };
        let link = match list.shift_remove("nextLink") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(link)) if link.trim().is_empty() => return Ok(None),
            Some(Value::String(link)) => link,
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(Broken::Off(self.read + 1).into());
            }
        };
        if self.read >= limits::PAGES_MAX {
            return Err(Broken::Pages.into());
        }
        // One that cannot be read is refused at the guard.
        if let Ok(url) = Url::parse(&link)
            && !self.seen.insert(plain(url))
        {
            return Err(Broken::Circle(self.read).into());
        }
        Ok(Some(link))
    }

    /// Counts a page, before anything is built of it.
    ///
    /// # Errors
    /// All of them together are too much.
    pub(super) fn take(&mut self, body: &[u8]) -> Result<(), StepError> {
        self.read += 1;
        self.shape = self.shape.and(JsonShape::of(body));
        if self.shape.is_list() { Ok(()) } else { Err(Broken::Size(self.read).into()) }
    }

    /// Adds a page to the list, and its link to the next.
    ///
    /// # Errors
    /// It is no page.
    pub(super) fn add(&self, list: &mut Value, page: Option<Value>) -> Result<(), StepError> {
        let off = || StepError::from(Broken::Off(self.read));
        let Some(Value::Object(mut page)) = page else { return Err(off()) };
        let Some(list) = list.as_object_mut() else { return Err(off()) };
        let (Some(Value::Array(all)), Some(Value::Array(more))) =
            (list.get_mut("value"), page.shift_remove("value"))
        else {
            return Err(off());
        };
        all.extend(more);
        if let Some(next) = page.shift_remove("nextLink") {
            list.insert("nextLink".to_owned(), next);
        }
        Ok(())
    }
}

/// What a server is sent of a URL.
fn plain(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn first() -> Pages {
        Pages::from(&Url::parse("https://a.example/x?api-version=1").unwrap(), b"{}")
    }

    /// Reads on until the end, each page made of the number of those read.
    fn read(page: impl Fn(usize) -> Value) -> Result<Value, StepError> {
        let mut pages = first();
        let mut list = page(1);
        while pages.next_of(&mut list)?.is_some() {
            let page = page(pages.read + 1);
            pages.take(page.to_string().as_bytes())?;
            pages.add(&mut list, Some(page))?;
        }
        Ok(list)
    }

    #[test]
    fn a_next_link_that_leads_to_a_page_already_read_is_an_error_at_once() {
        for own in [
            "https://a.example/x?api-version=1",
            "https://A.example:443/x?api-version=1",
            "https://a.example/x?api-version=1#2",
            "https://a.example/y/../x?api-version=1",
        ] {
            let error = first().next_of(&mut json!({"value": [], "nextLink": own})).unwrap_err();
            assert_eq!(error.code, "list_in_a_circle", "{own}");
            assert!(error.causes[0].contains("look for a proxy"), "{error:?}");
        }
        // Two that lead to each other, and a tail that leads into a ring.
        for ring in [2, 3, 7] {
            let error = read(|page| {
                let next = format!("https://a.example/x?page={}", page % ring);
                json!({"value": [page], "nextLink": next})
            });
            let error = error.unwrap_err();
            assert_eq!(error.code, "list_in_a_circle");
            assert!(error.message.contains(&format!("page {}", ring + 1)), "{error:?}");
        }
    }

    #[test]
    fn a_list_without_an_end_is_given_up_after_its_most_pages() {
        let next = |page: usize| json!(format!("https://a.example/x?page={page}"));
        let error = read(|page| json!({"value": [], "nextLink": next(page)})).unwrap_err();
        assert_eq!(error.code, "list_too_long");
        let long = read(|page| match page < limits::PAGES_MAX {
            true => json!({"value": [page], "nextLink": next(page)}),
            false => json!({"value": [page]}),
        });
        assert_eq!(long.unwrap()["value"].as_array().unwrap().len(), limits::PAGES_MAX);
    }

    #[test]
    fn the_pages_of_a_list_are_bounded_together() {
        let next = |page: usize| json!(format!("https://a.example/x?page={page}"));
        let items = vec![json!({}); 100_000];
        let error = read(|page| json!({"value": items, "nextLink": next(page)})).unwrap_err();
        assert_eq!(error.code, "list_too_large");
        assert!(error.message.contains("at its page 7"), "{error:?}");
        let text = "x".repeat(6 << 20);
        let error = read(|page| json!({"value": [text], "nextLink": next(page)})).unwrap_err();
        assert!(error.message.contains("at its page 9"), "{error:?}");
    }

    #[test]
    fn a_list_that_breaks_off_is_no_list() {
        for link in [json!(7), json!(true), json!({}), json!(["https://a.example/x"])] {
            let error = first().next_of(&mut json!({"value": [], "nextLink": link})).unwrap_err();
            assert_eq!(error.code, "list_breaks_off", "{link}");
        }
        for end in [json!({"value": []}), json!({"nextLink": null}), json!({"nextLink": ""})] {
            assert_eq!(first().next_of(&mut end.clone()).unwrap(), None, "{end}");
        }
        let pages = [None, Some(json!([])), Some(json!({})), Some(json!({"value": {}}))];
        for page in pages.into_iter().chain([Some(Value::Null)]) {
            let error = first().add(&mut json!({"value": [1]}), page.clone()).unwrap_err();
            assert_eq!(error.code, "list_breaks_off", "{page:?}");
        }
    }
}
