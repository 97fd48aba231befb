//! The judge of links: whether one leads where people would think.

use std::collections::BTreeSet;

use unicode_security::confusable_detection::skeleton;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection};
use url::{Host, Url};

use super::host_and_parents;
use super::lists::Lists;
use crate::limits;

/// How safe a link is to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing is held against it, and nobody has looked yet where it leads.
    Pending,
    /// Nothing is held against it.
    Ok,
    /// It may lead elsewhere than it seems to.
    Warn,
    /// It is never delivered.
    Blocked,
}

impl Verdict {
    const ALL: [Self; 4] = [Self::Pending, Self::Ok, Self::Warn, Self::Blocked];

    /// The name in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Blocked => "blocked",
        }
    }

    /// The verdict of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What is held against a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its domain, or one that it leads to, is blocked.
    ListedDomain,
    /// It goes through a shortener, which hides where it leads.
    Shortener,
    /// It redirects to another domain than it names.
    OtherDomain,
    /// It redirects more than [`limits::REDIRECTS_MAX`] times.
    LongChain,
    /// Somebody earns by a click.
    Affiliate,
    /// Its host is a number and not a name.
    NumericHost,
    /// It holds a user name, which can be taken for the host.
    UserInfo,
    /// Its host mixes letters of scripts that look alike.
    MixedScript,
    /// Its host looks like a well-known one.
    LookAlike,
    /// It leads to a port that browsers do not ask by themselves.
    UnusualPort,
    /// The pin's picture is too small to show what the link promises.
    SmallPicture,
    /// Where it leads could not be looked at.
    Unreachable,
}

impl Reason {
    const ALL: [Self; 12] = [
        Self::ListedDomain,
        Self::Shortener,
        Self::OtherDomain,
        Self::LongChain,
        Self::Affiliate,
        Self::NumericHost,
        Self::UserInfo,
        Self::MixedScript,
        Self::LookAlike,
        Self::UnusualPort,
        Self::SmallPicture,
        Self::Unreachable,
    ];

    /// The name in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ListedDomain => "listed_domain",
            Self::Shortener => "shortener",
            Self::OtherDomain => "other_domain",
            Self::LongChain => "long_chain",
            Self::Affiliate => "affiliate",
            Self::NumericHost => "numeric_host",
            Self::UserInfo => "user_info",
            Self::MixedScript => "mixed_script",
            Self::LookAlike => "look_alike",
            Self::UnusualPort => "unusual_port",
            Self::SmallPicture => "small_picture",
            Self::Unreachable => "unreachable",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// A verdict, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How safe it is to follow.
    pub verdict: Verdict,
    /// What is held against it, in the order of [`Reason`], each once.
    pub reasons: Vec<Reason>,
}

impl Judgement {
    /// Of a link that nothing is held against.
    #[must_use]
    pub const fn ok() -> Self {
        Self {
            verdict: Verdict::Ok,
            reasons: Vec::new(),
        }
    }

    /// The same of a link whose pin has a picture that is too small to show what it promises.
    #[must_use]
    pub fn with_small_picture(mut self) -> Self {
        self.reasons.push(Reason::SmallPicture);
        Self::of(self.reasons)
    }

    /// Of all that is held against a link.
    pub(super) fn of(mut reasons: Vec<Reason>) -> Self {
        reasons.sort_unstable();
        reasons.dedup();
        let verdict = match reasons.first() {
            None => Verdict::Ok,
            Some(Reason::ListedDomain) => Verdict::Blocked,
            Some(_) => Verdict::Warn,
        };
        Self { verdict, reasons }
    }
}

/// What was found where a link leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journey {
    /// The addresses that it redirects to, in order.
    pub redirects: Vec<String>,
    /// Whether the last one could not be looked at.
    pub is_unreachable: bool,
}

/// A link, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Suspect<'a> {
    /// The address.
    pub link: &'a str,
    /// Where it leads, as far as that was looked at.
    pub journey: Option<&'a Journey>,
}

impl Suspect<'_> {
    fn hops(&self) -> impl Iterator<Item = &str> {
        let redirects = self.journey.map_or(&[][..], |it| &it.redirects[..]);
        std::iter::once(self.link).chain(redirects.iter().map(String::as_str))
    }

    /// The domains that a list would hold if it is against this link.
    #[must_use]
    pub fn domains(&self) -> BTreeSet<String> {
        let urls = self.hops().filter_map(|hop| Url::parse(hop).ok());
        let hosts = urls.filter_map(|url| Some(url.host_str()?.trim_end_matches('.').to_owned()));
        let all = hosts.flat_map(|host| {
            let names: Vec<String> = host_and_parents(&host).map(str::to_owned).collect();
            names
        });
        all.collect()
    }
}

/// Judges a link. `listed` are those of [`Suspect::domains`] that are blocked.
///
/// Until somebody has looked where it leads, a link that nothing is held against is [`Verdict::Ok`] here.
#[must_use]
pub fn judge(suspect: &Suspect<'_>, listed: &BTreeSet<String>, lists: &Lists) -> Judgement {
    let mut reasons = Vec::new();
    let mut first = None;
    for hop in suspect.hops() {
        let Ok(url) = Url::parse(hop) else {
            reasons.push(Reason::Unreachable);
            continue;
        };
        of_address(&url, listed, lists, &mut reasons);
        let domain = super::registered(&url);
        match &first {
            None => first = Some(domain),
            Some(first) if *first != domain => reasons.push(Reason::OtherDomain),
            Some(_) => {}
        }
    }
    if let Some(journey) = suspect.journey {
        if journey.redirects.len() > limits::REDIRECTS_MAX {
            reasons.push(Reason::LongChain);
        }
        if journey.is_unreachable {
            reasons.push(Reason::Unreachable);
        }
    }
    Judgement::of(reasons)
}

/// What can be held against one address.
fn of_address(url: &Url, listed: &BTreeSet<String>, lists: &Lists, reasons: &mut Vec<Reason>) {
    if !url.username().is_empty() || url.password().is_some() {
        reasons.push(Reason::UserInfo);
    }
    if url.port().is_some() {
        reasons.push(Reason::UnusualPort);
    }
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    match url.host() {
        Some(Host::Domain(_)) => of_name(host, lists, reasons),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => reasons.push(Reason::NumericHost),
        None => reasons.push(Reason::Unreachable),
    }
    if host_and_parents(host).any(|it| listed.contains(it)) {
        reasons.push(Reason::ListedDomain);
    }
    if lists.is_shortener(host) {
        reasons.push(Reason::Shortener);
    }
    if lists.is_affiliate(url, host) {
        reasons.push(Reason::Affiliate);
    }
}

/// What can be held against the name of a host.
fn of_name(host: &str, lists: &Lists, reasons: &mut Vec<Reason>) {
    let (read, _) = idna::domain_to_unicode(host);
    if read.split('.').any(is_mixed) {
        reasons.push(Reason::MixedScript);
    }
    if lists.imitates(&read) {
        reasons.push(Reason::LookAlike);
    }
}

/// Whether a label mixes letters of several scripts otherwise than people who write in them do, as
/// [UTS 39](https://www.unicode.org/reports/tr39/#Restriction_Level_Detection) tells.
fn is_mixed(label: &str) -> bool {
    !label.check_restriction_level(RestrictionLevel::HighlyRestrictive)
}

/// The registered name without its suffix.
pub(super) fn first_label(domain: &str) -> &str {
    domain.split('.').next().unwrap_or_default()
}

/// What a label looks like: of those that look alike it is the same.
pub(super) fn look(label: &str) -> String {
    let look: String = skeleton(label).collect();
    // What looks like a capital letter is read as the small one; so O, for which 0 is taken, becomes o.
    skeleton(&look.to_lowercase()).collect()
}

#[cfg(test)]
mod tests;
