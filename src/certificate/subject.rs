//! Distinguished names: the ones we write, and the text form of the ones we read.

use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use x509_parser::asn1_rs::{Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::values::{escaped, quotable};

/// The subject of a certificate we issue: no part is empty, over 64 characters, or holds a
/// character that does not show.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "NameParts", into = "NameParts")]
pub struct DistinguishedName(NameParts);

/// What a [`DistinguishedName`] is made of, before it is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameParts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    pub common_name: String,
}

/// A part of a name that cannot stand in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct NameError {
    /// The field's name, as in the answers file.
    pub field: &'static str,
    pub reason: String,
}

impl DistinguishedName {
    pub fn parts(&self) -> &NameParts {
        &self.0
    }

    /// This name as nginx's `$ssl_client_s_dn` and `openssl -nameopt RFC2253` print it, for
    /// comparing byte by byte. Only printable ASCII.
    pub fn rfc2253(&self) -> String {
        write_name(&self.relative_names(), Style::Rfc2253)
    }

    /// The order in which a certificate holds the parts: from the country to the name.
    fn relative_names(&self) -> Vec<Vec<Attribute>> {
        let parts = &self.0;
        [
            ("C", parts.country.as_ref()),
            ("ST", parts.state.as_ref()),
            ("L", parts.locality.as_ref()),
            ("O", parts.organization.as_ref()),
            ("CN", Some(&parts.common_name)),
        ]
        .into_iter()
        .filter_map(|(label, value)| {
            Some(vec![Attribute {
                label: label.to_owned(),
                value: Value::Text(value?.clone()),
            }])
        })
        .collect()
    }
}

impl TryFrom<NameParts> for DistinguishedName {
    type Error = NameError;

    fn try_from(parts: NameParts) -> Result<Self, NameError> {
        let optional = [
            ("country", &parts.country),
            ("state", &parts.state),
            ("locality", &parts.locality),
            ("organization", &parts.organization),
        ];
        for (field, value) in optional {
            if let Some(value) = value {
                check_part(field, value)?;
            }
        }
        check_part("common_name", &parts.common_name)?;
        match &parts.country {
            Some(code) if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) => {
                Err(NameError {
                    field: "country",
                    reason: format!(
                        "\"{}\" is not a code of two capital letters, as in US",
                        quotable(code)
                    ),
                })
            }
            _ => Ok(Self(parts)),
        }
    }
}

impl From<DistinguishedName> for NameParts {
    fn from(name: DistinguishedName) -> Self {
        name.0
    }
}

/// The form in which [`super::Certificate::subject`] is given, so that the two can be compared.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_name(&self.relative_names(), Style::Shown))
    }
}

/// The limit of 64 is the smallest among those of RFC 5280's appendix A for these attributes.
fn check_part(field: &'static str, value: &str) -> Result<(), NameError> {
    let refuse = |reason: String| Err(NameError { field, reason });
    if value.trim().is_empty() {
        return refuse("it is empty".to_owned());
    }
    if value.trim() != value {
        return refuse(format!("\"{}\" has spaces around it", quotable(value)));
    }
    if value.chars().count() > 64 {
        return refuse("at most 64 characters fit".to_owned());
    }
    if escaped(value) != value {
        return refuse(format!(
            "\"{}\" holds a character that does not show",
            escaped(value)
        ));
    }
    Ok(())
}

/// How a name is written out. Both forms begin with the last part, usually the common name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// For people: letters of every script stay, what does not show is escaped.
    Shown,
    /// As OpenSSL's RFC 2253 flags write it: everything outside printable ASCII as `\C3\BC`.
    Rfc2253,
}

struct Attribute {
    label: String,
    value: Value,
}

enum Value {
    Text(String),
    /// The DER of a value whose type is not a string, or of an attribute without a short name.
    Der(Vec<u8>),
}

pub(super) fn name_text(name: &X509Name<'_>, style: Style) -> String {
    let relative: Vec<Vec<Attribute>> = name
        .iter()
        .map(|set| set.iter().map(read_attribute).collect())
        .collect();
    write_name(&relative, style)
}

/// The last common name, which is the one that counts where there are several.
pub(super) fn common_name(name: &X509Name<'_>) -> Option<String> {
    let last = name.iter_common_name().last()?;
    match read_attribute(last).value {
        Value::Text(text) => Some(text),
        Value::Der(_) => None,
    }
}

fn read_attribute(attribute: &AttributeTypeAndValue<'_>) -> Attribute {
    let oid = attribute.attr_type().to_id_string();
    let value = attribute.attr_value();
    let der = || Value::Der(value.to_der_vec().unwrap_or_default());
    let Some(label) = short_name(&oid) else {
        return Attribute {
            label: oid,
            value: der(),
        };
    };
    let value = match value.header.tag() {
        Tag::Utf8String => Value::Text(String::from_utf8_lossy(value.data).into_owned()),
        // ASCII in two of them; OpenSSL too reads a T61String as Latin-1.
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::T61String => {
            Value::Text(value.data.iter().map(|byte| char::from(*byte)).collect())
        }
        Tag::BmpString => {
            let units = value.data.chunks_exact(2);
            let units = units.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            Value::Text(
                char::decode_utf16(units)
                    .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
            )
        }
        _ => der(),
    };
    Attribute {
        label: label.to_owned(),
        value,
    }
}

/// OpenSSL's short names of the attributes that occur in practice.
fn short_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        _ => return None,
    })
}

fn write_name(relative: &[Vec<Attribute>], style: Style) -> String {
    let sets: Vec<String> = relative
        .iter()
        .rev()
        .map(|set| {
            // Within a set OpenSSL goes backwards too.
            let written: Vec<String> = set
                .iter()
                .rev()
                .map(|a| format!("{}={}", a.label, write_value(&a.value, style)))
                .collect();
            written.join("+")
        })
        .collect();
    sets.join(",")
}

fn write_value(value: &Value, style: Style) -> String {
    let mut written = String::new();
    let text = match value {
        Value::Text(text) => text,
        Value::Der(der) => {
            written.push('#');
            for byte in der {
                let _ = write!(written, "{byte:02X}"); // writing to a String cannot fail
            }
            return written;
        }
    };
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let at_an_end = (at == 0 && (c == ' ' || c == '#')) || (at == last && c == ' ');
        if at_an_end || ",+\"\\<>;".contains(c) {
            written.push('\\');
            written.push(c);
        } else if style == Style::Rfc2253 && (c.is_control() || !c.is_ascii()) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(written, "\\{byte:02X}");
            }
        } else {
            written.push(c);
        }
    }
    match style {
        Style::Shown => escaped(&written),
        Style::Rfc2253 => written,
    }
}
