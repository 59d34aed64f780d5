//! Every limit of the protocol, in one place. Units are last in the name.

/// Largest body of an ordinary request, in bytes.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Largest body of a request to `/Groups`, in bytes: a full push of a large group is one request.
pub const GROUP_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Largest body of a bulk request, in bytes; announced as maxPayloadSize.
pub const BULK_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Most operations of a bulk request; announced as maxOperations.
pub const BULK_OPERATIONS: usize = 1_000;
/// Deepest nesting of a JSON body.
pub const JSON_DEPTH: usize = 32;
/// Longest filter, in bytes.
pub const FILTER_BYTES: usize = 8 * 1024;
/// Deepest nesting of a filter: brackets, `not` and value paths together.
pub const FILTER_DEPTH: usize = 20;
/// Most comparisons in a filter.
pub const FILTER_TERMS: usize = 200;
/// Longest PATCH path, in bytes; its filter obeys the limits of filters too.
pub const PATH_BYTES: usize = 8 * 1024;
/// Most operations of one PATCH.
pub const PATCH_OPERATIONS: usize = 2_000;
/// Largest page; a larger count is capped to it. Announced as filter.maxResults and pagination.maxPageSize.
pub const PAGE_RESOURCES: usize = 1_000;
/// Page size when the client names none.
pub const PAGE_DEFAULT_RESOURCES: usize = 100;
/// Most attributes named in `attributes` or `excludedAttributes`.
pub const PROJECTION_ATTRIBUTES: usize = 200;
/// Longest single string value, in bytes.
pub const STRING_BYTES: usize = 64 * 1024;
/// Longest comparison key, in bytes, of what is looked up by an index: userName, displayName, externalId, e-mail
/// addresses, the manager, employeeNumber. An index of PostgreSQL takes 2,704 bytes an entry.
pub const INDEXED_BYTES: usize = 2_000;
/// Most values of one multi-valued attribute other than `members`.
pub const VALUES: usize = 1_000;
/// Life of a paging cursor, in seconds; announced as cursorTimeout (RFC 9865 section 4).
pub const CURSOR_SECONDS: u64 = 3_600;
/// How far a sorted query over all resource types may be paged.
pub const MERGED_RESOURCES: u64 = 2_000;
