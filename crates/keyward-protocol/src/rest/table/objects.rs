//! Routes of objects that are no keys.
use super::super::bodies::*;
use super::super::spec::{RouteSpec, Success, delete, get, patch, post};
use super::{POLICY, Route};

/// What is done with an object that is no key; the kind is the path's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described by its row's summary")]
pub enum Of {
    Create,
    List,
    Describe,
    Update,
    Version,
    Read,
    Suspend,
    Resume,
    Deactivate,
    Compromise,
    ScheduleDestruction,
    CancelDestruction,
    ExecuteDestruction,
    ConfirmDestruction,
}

macro_rules! object_path {
    ($family:literal $(, $tail:literal)*) => {
        &["v1", "realms", "{realm}", $family, "{object}" $(, $tail)*]
    };
}

/// Rows that every kind of object has, after those of its own.
macro_rules! object_rows {
    ($variant:ident, $family:literal, $one:literal, [$($own:expr),* $(,)?]) => { &[
        $($own,)*
        get(
            Route::$variant(Of::List),
            &["v1", "realms", "{realm}", $family],
            Success::Json("KeyPage"),
            "List in id order: stable under writes.",
        )
        .asks(LIST_KEYS),
        patch(
            Route::$variant(Of::Update),
            object_path!($family),
            Success::Json("Key"),
            concat!("Change attributes of ", $one, "; what is not given stays."),
        )
        .takes(UPDATE_KEY)
        .conditional(),
        post(
            Route::$variant(Of::Suspend),
            object_path!($family, "suspend"),
            Success::Json("Key"),
            concat!("Stop the use of ", $one, " for the time being."),
        )
        .takes(&[REASON])
        .conditional(),
        post(
            Route::$variant(Of::Resume),
            object_path!($family, "resume"),
            Success::Json("Key"),
            "Allow use again.",
        )
        .takes(&[REASON])
        .conditional(),
        post(
            Route::$variant(Of::Deactivate),
            object_path!($family, "deactivate"),
            Success::Json("Key"),
            "End a version for good.",
        )
        .takes(VERSION_AND_REASON)
        .conditional(),
        post(
            Route::$variant(Of::Compromise),
            object_path!($family, "compromise"),
            Success::Json("Key"),
            "Record that others may know it, or that it must not be trusted any more.",
        )
        .takes(COMPROMISE)
        .conditional(),
        post(
            Route::$variant(Of::ScheduleDestruction),
            object_path!($family, "destruction"),
            Success::Json("Key"),
            "Set a date for destruction.",
        )
        .takes(DESTRUCTION)
        .conditional(),
        delete(
            Route::$variant(Of::CancelDestruction),
            object_path!($family, "destruction"),
            Success::Json("Key"),
            "Clear that date, and nothing else.",
        )
        .asks(CANCEL)
        .conditional(),
        post(
            Route::$variant(Of::ExecuteDestruction),
            object_path!($family, "destruction", "execute"),
            Success::Json("Key"),
            "Destroy the versions that are due.",
        )
        .takes(NONE)
        .conditional(),
        post(
            Route::$variant(Of::ConfirmDestruction),
            object_path!($family, "destruction", "confirm"),
            Success::Json("Key"),
            "Let a held destruction go on.",
        )
        .takes(NONE)
        .conditional(),
    ] };
}

/// A value in base64, and room for names.
const VALUE: usize = keyward_core::limits::SECRET_MAX_BYTES.div_ceil(3) * 4 + (64 << 10);

/// Rows of what holds a value.
macro_rules! value_rows {
    ($variant:ident, $family:literal, $one:literal) => {
        object_rows!(
            $variant,
            $family,
            $one,
            [
                post(
                    Route::$variant(Of::Create),
                    &["v1", "realms", "{realm}", $family],
                    Success::Created("Key"),
                    concat!("Make ", $one, "."),
                )
                .takes(CREATE_SECRET)
                .up_to(VALUE),
                get(
                    Route::$variant(Of::Describe),
                    object_path!($family),
                    Success::Json("Key"),
                    concat!("Show ", $one, " and its versions, without values."),
                ),
                post(
                    Route::$variant(Of::Version),
                    object_path!($family, "versions"),
                    Success::Json("Key"),
                    "Give it another value; the one before stays readable by its number.",
                )
                .takes(SECRET_VERSION)
                .up_to(VALUE)
                .conditional(),
                get(
                    Route::$variant(Of::Read),
                    object_path!($family, "value"),
                    Success::Json("SecretValue"),
                    "Read a value; recorded like every use of a key.",
                )
                .asks(READ_SECRET),
            ]
        )
    };
}

pub(super) const SECRETS: &[RouteSpec] = value_rows!(Secret, "secrets", "a secret");
pub(super) const OPAQUE: &[RouteSpec] = value_rows!(Opaque, "opaque", "opaque data");
pub(super) const CERTIFICATES: &[RouteSpec] = object_rows!(
    Certificate,
    "certs",
    "a certificate",
    [
        post(
            Route::Certificate(Of::Create),
            &["v1", "realms", "{realm}", "certs"],
            Success::Created("Key"),
            "Keep a certificate with its chain.",
        )
        .takes(CERTIFICATE)
        .up_to(POLICY),
        get(
            Route::Certificate(Of::Describe),
            object_path!("certs"),
            Success::Json("Certificate"),
            "Show a certificate and what it says.",
        ),
        post(
            Route::Certificate(Of::Version),
            object_path!("certs", "versions"),
            Success::Json("Key"),
            "Keep the certificate that renews it.",
        )
        .takes(CERTIFICATE)
        .up_to(POLICY)
        .conditional(),
    ]
);
