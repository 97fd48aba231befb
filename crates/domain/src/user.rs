//! People: how an account's fields may look.

use std::fmt;

use url::Host;

use crate::limits::{
    ABOUT_MAX, EMAIL_LOCAL_MAX, EMAIL_MAX, FULL_NAME_MAX, PASSWORD_MAX, PASSWORD_MIN, USERNAME_MAX,
    USERNAME_MIN,
};
use crate::{Field, Refusal, link, text};

/// Names that would pass for the server itself or for a word of its addresses.
const RESERVED: [&str; 20] = [
    "about",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "everyone",
    "help",
    "moderator",
    "null",
    "official",
    "pinterest",
    "pinwire",
    "root",
    "security",
    "settings",
    "staff",
    "support",
    "system",
    "undefined",
    "webmaster",
];

/// What a name of these characters looks like, as [UTS 39](https://www.unicode.org/reports/tr39/#Confusable_Detection)
/// tells. The index of usernames says the same in SQL.
fn look(name: &str) -> String {
    name.replace('0', "o").replace('1', "l").replace('m', "rn")
}

/// The name of an account: 2 to 30 of `a-z`, `0-9`, `_` and `.`, stored in lower case.
///
/// It begins and ends with a letter, digit or `_`, holds no two dots in a row and not digits alone
/// (API v5 keeps those for ids).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Reads the name of a new account; upper case is lowered.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] naming `username`.
    pub fn parse(given: &str) -> Result<Self, Refusal> {
        let refused = |reason: String| Err(Refusal::InvalidValue(Field::new("username", reason)));
        if !(USERNAME_MIN..=USERNAME_MAX).contains(&given.chars().count()) {
            return refused(format!(
                "must be {USERNAME_MIN} to {USERNAME_MAX} characters long"
            ));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if !given.chars().all(allowed) {
            return refused("may hold letters a to z, digits, _ and . only".into());
        }
        if given.starts_with('.') || given.ends_with('.') || given.contains("..") {
            return refused("a . must stand between two other characters".into());
        }
        if given.bytes().all(|b| b.is_ascii_digit()) {
            return refused("must not be digits alone".into());
        }
        let name = given.to_ascii_lowercase();
        if RESERVED.iter().any(|it| look(it) == look(&name)) {
            return refused("is reserved".into());
        }
        Ok(Self(name))
    }

    /// What it looks like: names that are taken for one another look the same.
    #[must_use]
    pub fn look(&self) -> String {
        look(&self.0)
    }

    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An e-mail address, in lower case and with its domain in ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address. That it belongs to anybody only a mail can show.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] naming `email`.
    pub fn parse(given: &str) -> Result<Self, Refusal> {
        let refused = |reason: &str| Refusal::InvalidValue(Field::new("email", reason));
        let no_address = || refused("not an address such as ana@example.com");
        let (local, domain) = given.trim().rsplit_once('@').ok_or_else(no_address)?;
        if local.is_empty() || !local.chars().all(is_local) {
            return Err(no_address());
        }
        let Ok(Host::Domain(domain)) = Host::parse(domain) else {
            return Err(no_address());
        };
        let labels = || domain.split('.');
        if labels().count() < 2 || labels().any(str::is_empty) {
            return Err(no_address());
        }
        let email = format!("{}@{domain}", local.to_ascii_lowercase());
        if local.len() > EMAIL_LOCAL_MAX || email.len() > EMAIL_MAX {
            return Err(refused(&format!(
                "longer than {EMAIL_MAX} bytes in all or {EMAIL_LOCAL_MAX} before the @"
            )));
        }
        Ok(Self(email))
    }

    /// The address to store and compare.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What may stand before the "@" without quotes.
fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// An account that may be made: checked, not yet known to be free.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountDraft {
    /// Its name.
    pub username: Username,
    /// Where its owner gets mail.
    pub email: Email,
    /// What its owner is called.
    pub full_name: String,
}

impl AccountDraft {
    /// Reads what a person who signs up gave.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] naming the first field that is wrong.
    pub fn parse(username: &str, email: &str, full_name: &str) -> Result<Self, Refusal> {
        Ok(Self {
            username: Username::parse(username)?,
            email: Email::parse(email)?,
            full_name: self::full_name(full_name)?,
        })
    }
}

/// A change of a profile, checked: what is `None` stays, `Some(None)` is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProfileChange {
    /// What the person is called.
    pub full_name: Option<String>,
    /// The person's text about themselves, of at most 500 Unicode scalars.
    pub about: Option<Option<String>>,
    /// Where the avatar lies.
    pub profile_image: Option<Option<String>>,
    /// The person's own page.
    pub website_url: Option<Option<String>>,
}

impl ProfileChange {
    /// With this full name.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for a name that may not be.
    pub fn full_name(mut self, given: Option<&str>) -> Result<Self, Refusal> {
        self.full_name = given.map(full_name).transpose()?;
        Ok(self)
    }

    /// With this text about the person; a blank one counts as none.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] out of bounds.
    pub fn about(mut self, given: Option<Option<&str>>) -> Result<Self, Refusal> {
        let read = |text| text::optional("about", text, ABOUT_MAX);
        self.about = given.map(read).transpose()?;
        Ok(self)
    }

    /// With this avatar; a blank address counts as none.
    ///
    /// # Errors
    /// Those of [`link::web_address`].
    pub fn profile_image(mut self, given: Option<Option<&str>>) -> Result<Self, Refusal> {
        let read = |address| optional_address("profile_image", address);
        self.profile_image = given.map(read).transpose()?;
        Ok(self)
    }

    /// With this page; a blank address counts as none.
    ///
    /// # Errors
    /// Those of [`link::web_address`].
    pub fn website_url(mut self, given: Option<Option<&str>>) -> Result<Self, Refusal> {
        let read = |address| optional_address("website_url", address);
        self.website_url = given.map(read).transpose()?;
        Ok(self)
    }
}

fn optional_address(field: &str, address: Option<&str>) -> Result<Option<String>, Refusal> {
    address
        .filter(|a| !a.trim().is_empty())
        .map(|a| link::web_address(field, a))
        .transpose()
}

/// Reads a full name: 1 to 60 Unicode scalars in one line, without invisible characters that
/// reorder or hide others.
///
/// # Errors
/// [`Refusal::InvalidValue`] naming `full_name`.
fn full_name(given: &str) -> Result<String, Refusal> {
    let refused = |reason: &str| Err(Refusal::InvalidValue(Field::new("full_name", reason)));
    let name = text::bounded("full_name", given.trim(), FULL_NAME_MAX)?;
    if name.is_empty() {
        return refused("must not be empty");
    }
    if name.chars().any(|c| c.is_control() || is_deceptive(c)) {
        return refused("contains a line break or an invisible character");
    }
    Ok(name)
}

/// Characters that nobody sees and that change how the others look: another's name could be imitated.
const fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Checks the length of a new password. It is compared byte by byte, so nothing of it is changed.
///
/// # Errors
/// [`Refusal::InvalidValue`] naming `field`.
pub fn check_password(field: &str, given: &str) -> Result<(), Refusal> {
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&given.len()) {
        return Ok(());
    }
    let reason = format!("must be {PASSWORD_MIN} to {PASSWORD_MAX} bytes long");
    Err(Refusal::InvalidValue(Field::new(field, reason)))
}

/// The words by which a person is found: those of the full name and of the username, folded.
#[must_use]
pub fn search_words(full_name: &str, username: &str) -> Vec<String> {
    let mut words = text::words(full_name);
    words.extend(text::words(username));
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T>(outcome: Result<T, Refusal>) -> String {
        match outcome.map(|_| ()) {
            Err(Refusal::InvalidValue(field)) => format!("{}: {}", field.field, field.reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_that_are_taken_for_one_another_look_the_same() {
        let named = |name| Username::parse(name).unwrap().look();
        assert_eq!(named("paypa1"), named("PayPal"));
        assert_eq!(named("rnary_0"), named("mary_o"));
        assert_ne!(named("ana_1"), named("ana_2"));
        for reserved in ["supp0rt", "adrnin"] {
            assert!(Username::parse(reserved).is_err(), "{reserved}");
        }
        for c in ('a'..='z').chain('0'..='9').chain(['_', '.']) {
            let shown: String =
                unicode_security::confusable_detection::skeleton(&c.to_string()).collect();
            assert_eq!(look(&c.to_string()), shown.to_lowercase(), "{c}");
        }
    }

    #[test]
    fn a_username_is_lowered() {
        assert_eq!(
            Username::parse("Ana_B.2").map(|u| u.to_string()).as_deref(),
            Ok("ana_b.2")
        );
    }

    #[test]
    fn a_username_at_its_bounds_passes_and_one_past_them_does_not() {
        for length in [USERNAME_MIN, USERNAME_MAX] {
            assert!(Username::parse(&"a".repeat(length)).is_ok());
        }
        for length in [USERNAME_MIN - 1, USERNAME_MAX + 1] {
            assert_eq!(
                reason(Username::parse(&"a".repeat(length))),
                "username: must be 2 to 30 characters long"
            );
        }
    }

    #[test]
    fn a_username_holds_nothing_else() {
        for bad in ["a b", "ana-b", "añá", "ana\n", "a/b", "ana@b", "аna"] {
            let reason = reason(Username::parse(bad));
            assert_eq!(
                reason, "username: may hold letters a to z, digits, _ and . only",
                "{bad:?}"
            );
        }
        for bad in [".ana", "ana.", "a..na", "..."] {
            assert!(reason(Username::parse(bad)).contains("a . must"), "{bad:?}");
        }
        assert!(reason(Username::parse("12345")).contains("digits alone"));
        for bad in RESERVED {
            assert!(reason(Username::parse(&bad.to_uppercase())).contains("is reserved"));
        }
    }

    #[test]
    fn an_address_is_lowered_and_its_domain_made_ascii() {
        let cases = [
            (" Ana+Pins@Example.COM ", "ana+pins@example.com"),
            ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ];
        for (given, stored) in cases {
            assert_eq!(
                Email::parse(given)
                    .map(|e| e.as_str().to_owned())
                    .as_deref(),
                Ok(stored)
            );
        }
        let bad = [
            "",
            "ana",
            "@example.com",
            "ana@",
            "ana@localhost",
            "ana@127.0.0.1",
            "ana@[::1]",
            "an a@example.com",
            "ana@exa mple.com",
            "ana@b@example.com",
            "ana@example.com.",
            "ana@.example.com",
            "\"ana\"@example.com",
            "ana\n@example.com",
            "ana@example.com/x",
        ];
        for given in bad {
            assert!(Email::parse(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn an_address_at_its_bounds_passes_and_one_past_them_does_not() {
        let local = "a".repeat(EMAIL_LOCAL_MAX);
        let labels = |length: usize| {
            format!(
                "{}.{}.{}.{}",
                "b".repeat(63),
                "c".repeat(63),
                "d".repeat(57),
                "e".repeat(length)
            )
        };
        let at = format!("{local}@{}", labels(3));
        assert_eq!(at.len(), EMAIL_MAX);
        assert!(Email::parse(&at).is_ok());
        assert!(Email::parse(&format!("{local}@{}", labels(4))).is_err());
        assert!(Email::parse(&format!("{local}a@example.com")).is_err());
    }

    #[test]
    fn a_full_name_is_one_visible_line() {
        assert_eq!(
            full_name("  Ana Mari\u{301}a 👩‍🎨 ").as_deref(),
            Ok("Ana María 👩‍🎨")
        );
        assert!(full_name(&"é".repeat(FULL_NAME_MAX)).is_ok());
        assert!(full_name(&"é".repeat(FULL_NAME_MAX + 1)).is_err());
        for bad in [
            "",
            "  ",
            "Ana\nBo",
            "Ana\u{202e}oB",
            "Ana\u{200b}",
            "\u{3164}",
            "A\u{e0041}",
        ] {
            assert!(full_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_profile_change_tells_missing_from_taken_away() {
        let page = "https://ana.example/";
        let change = ProfileChange::default()
            .about(Some(Some("one\ntwo")))
            .and_then(|c| c.profile_image(Some(Some(" "))))
            .and_then(|c| c.website_url(Some(Some(page))))
            .unwrap();
        assert_eq!(change.full_name, None);
        assert_eq!(change.about, Some(Some("one\ntwo".into())));
        assert_eq!(change.profile_image, Some(None));
        assert_eq!(change.website_url, Some(Some(page.into())));
        assert_eq!(
            ProfileChange::default().about(Some(None)).unwrap().about,
            Some(None)
        );
        let bad = ProfileChange::default().website_url(Some(Some("javascript:x")));
        assert!(reason(bad).starts_with("website_url: "));
        let bad = ProfileChange::default().profile_image(Some(Some("x")));
        assert!(reason(bad).starts_with("profile_image: "));
        assert!(reason(ProfileChange::default().full_name(Some(""))).starts_with("full_name: "));
    }

    #[test]
    fn about_at_its_bound_passes_and_one_past_it_does_not() {
        let about = |n| ProfileChange::default().about(Some(Some("é".repeat(n).as_str())));
        assert!(about(ABOUT_MAX).is_ok());
        assert_eq!(
            reason(about(ABOUT_MAX + 1)),
            "about: longer than 500 characters"
        );
    }

    #[test]
    fn a_password_at_its_bounds_passes_and_one_past_them_does_not() {
        for length in [PASSWORD_MIN, PASSWORD_MAX] {
            assert_eq!(check_password("password", &"a".repeat(length)), Ok(()));
        }
        for length in [PASSWORD_MIN - 1, PASSWORD_MAX + 1] {
            let reason = reason(check_password("password", &"a".repeat(length)));
            assert_eq!(reason, "password: must be 8 to 1024 bytes long");
        }
    }

    #[test]
    fn a_person_is_found_by_each_word_once() {
        assert_eq!(
            search_words("Ana María Ana", "ana_m.2"),
            ["2", "ana", "m", "maria"]
        );
    }
}
