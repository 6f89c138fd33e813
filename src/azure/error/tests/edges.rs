//! What is taken for what, at the edges: secrets in messages, retries, hints.

use super::*;

#[test]
fn what_stands_after_the_name_of_a_secret_is_blanked_and_words_are_not() {
    let letters = |count: usize| "a".repeat(count);
    for (kept, blanked) in [
        // Words are short, in one case, without digits; the edges of "short".
        (format!("bearer {}", letters(20)), format!("bearer {}", letters(21))),
        ("basic Subnets".to_owned(), "basic Gateways".to_owned()),
        ("basic subnet1".to_owned(), "basic gateway1".to_owned()),
        ("basic gateways".to_owned(), "basic 12345678".to_owned()),
        // What is too far away, or in another part of the sentence, is no value of it.
        ("sharedKey  =    abc".to_owned(), "sharedKey  =   abc".to_owned()),
        ("a bearer (Gateway12)".to_owned(), "a bearer \"Gateway12\"".to_owned()),
        ("servicekey!= abc".to_owned(), "servicekey= abc".to_owned()),
        // A token without its name.
        (format!("see eyJ{}", letters(17)), format!("see eyJ{}", letters(18))),
        (letters(64), format!("eyJ{}", letters(61))),
    ] {
        assert_eq!(scrubbed(&kept), kept);
        let text = scrubbed(&blanked);
        assert!(text.contains(BLANK) && text.len() < blanked.len() + BLANK.len(), "{text}");
        assert_ne!(text, blanked);
    }
}

#[test]
fn an_answer_that_is_neither_yes_nor_no_leaves_a_change_in_doubt_and_refuses_a_read() {
    for status in [100, 302, 303, 399] {
        let odd = response(status, &json!({}));
        assert_eq!(refusal(&odd, &change()).disposition, Disposition::Ambiguous, "{status}");
        assert_eq!(refusal(&odd, &Purpose::Read).disposition, Disposition::Rejected, "{status}");
    }
    let no = refusal(&response(400, &json!({})), &change());
    assert_eq!(no.disposition, Disposition::Rejected);
}

#[test]
fn a_failed_operation_is_tried_again_for_any_one_of_its_codes_that_passes() {
    let failed = |outer: &str, inner: &str| {
        let error = json!({ "code": outer, "message": "m", "details": [{ "code": inner }] });
        failed_operation(Some(&error)).disposition
    };
    let again = Disposition::Transient { after: None };
    assert_eq!(failed("Other", TRANSIENT_CODES[0]), again);
    assert_eq!(failed("Other", RETRYABLE_FAILURES[0]), again);
    assert_eq!(failed(RETRYABLE_FAILURES[0], "Other"), again);
    assert_eq!(failed("Other", "Another"), Disposition::Rejected);
    assert_eq!(failed_operation(None).disposition, Disposition::Rejected);
}

#[test]
fn a_read_that_azure_carries_out_as_an_operation_is_asked_for_again_when_that_failed() {
    for code in RETRYABLE_FAILURES {
        let failed = error(400, code, "No.");
        let again = Disposition::Transient { after: None };
        assert_eq!(refusal(&failed, &Purpose::Read).disposition, again, "{code}");
        assert_eq!(refusal(&failed, &change()).disposition, Disposition::Rejected, "{code}");
    }
    let wrong = error(400, "InvalidAction", "No.");
    assert_eq!(refusal(&wrong, &Purpose::Read).disposition, Disposition::Rejected);
}

#[test]
fn what_people_can_do_about_a_refusal_is_said_with_it() {
    for (code, word) in [
        ("ParentResourceIsInFailedState", "parent again"),
        ("AuthorizationFailed", "lacks a right"),
        ("LinkedAuthorizationFailed", "lacks a right"),
        ("InvalidAuthenticationToken", "log in again"),
        ("ExpiredAuthenticationToken", "log in again"),
        ("ScopeLocked", "remove it"),
        ("ResourceGroupNotFound", "must exist"),
    ] {
        let causes = refusal(&error(403, code, "No."), &change()).causes;
        assert!(causes.iter().any(|cause| cause.contains(word)), "{code}: {causes:?}");
    }
    assert!(refusal(&error(403, "SomethingElse", "No."), &change()).causes.is_empty());
}
