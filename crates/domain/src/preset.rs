//! Presets: what differs between identity providers in answers, hints and defaults; never which repairs are on,
//! except that `strict` turns them all off.

use bailiwick_scim::quirks::Quirks;

/// The identity provider behind an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Microsoft Entra ID.
    Entra,
    /// Any SCIM 2.0 client.
    Generic,
    /// Google Workspace.
    Google,
    /// JumpCloud.
    Jumpcloud,
    /// Okta.
    Okta,
    /// OneLogin.
    Onelogin,
    /// PingFederate, PingOne.
    Ping,
    /// The RFCs as written, no repairs.
    Strict,
}

impl Preset {
    /// Every preset.
    pub const ALL: &[Preset] = &[
        Self::Entra,
        Self::Generic,
        Self::Google,
        Self::Jumpcloud,
        Self::Okta,
        Self::Onelogin,
        Self::Ping,
        Self::Strict,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Generic => "generic",
            Self::Google => "google",
            Self::Jumpcloud => "jumpcloud",
            Self::Okta => "okta",
            Self::Onelogin => "onelogin",
            Self::Ping => "ping",
            Self::Strict => "strict",
        }
    }

    /// The preset of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|preset| preset.as_str() == name)
    }

    /// The quirks that are on when an integration is created with it.
    #[must_use]
    pub fn quirks(self) -> Quirks {
        match self {
            Self::Strict => Quirks::none(),
            _ => Quirks::all(),
        }
    }

    /// Whether a PATCH of a group is answered 204 whatever its size: Microsoft asks for it.
    #[must_use]
    pub fn quiet_group_patch(self) -> bool {
        self == Self::Entra
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Entra => "Microsoft Entra ID",
            Self::Generic | Self::Strict => "the identity provider",
            Self::Google => "Google Workspace",
            Self::Jumpcloud => "JumpCloud",
            Self::Okta => "Okta",
            Self::Onelogin => "OneLogin",
            Self::Ping => "Ping",
        }
    }
}
