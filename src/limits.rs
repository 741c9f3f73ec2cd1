//! Every bound of the engine, in one place.
//!
//! Each bound keeps hostile or mistaken input from making memory or time grow without limit. Each constant states what it
//! bounds and why it has its size. Other code names these constants and never repeats the numbers.

/// Clocks of one priority. A ticket stores its clocks side by side, so this also bounds the size of a ticket.
pub const MAX_CLOCKS: usize = 8;

/// Levels of one clock. A clock's state has one bit per level, plus two for "at risk" and "breached".
pub const MAX_LEVELS: usize = 12;

/// Priorities of one policy (every version of every priority gets a 16-bit number).
pub const MAX_PRIORITIES: usize = 4_096;

/// Calendars of one policy. A compiled calendar takes about 1 MiB.
pub const MAX_CALENDARS: usize = 1_024;

/// Assignment rules of one policy.
pub const MAX_RULES: usize = 10_000;

/// Keywords of all rules of one policy together.
pub const MAX_KEYWORDS: usize = 100_000;

/// Problems of one policy file that are described; the rest are counted. More than a person reads, far fewer than a file of
/// garbage has.
pub const MAX_PROBLEMS: usize = 1_000;

/// Holidays and special days of one calendar, after iCalendar recurrences are expanded.
pub const MAX_SPECIAL_DAYS: usize = 20_000;

/// Line breaks in a quoted field of CSV. A field with more probably begins with a stray quote.
pub const MAX_FIELD_LINES: usize = 10_000;

/// Notes about the events of a holiday file; further ones are counted.
pub const MAX_HOLIDAY_NOTES: usize = 50;

/// Intervals of opening hours in one day.
pub const MAX_INTERVALS_A_DAY: usize = 48;

/// Bytes of a ticket id (its length is kept in one byte).
pub const MAX_TICKET_ID_BYTES: usize = 255;

/// Bytes of a name or label: priority, team, owner, channel, category, customer, clock, calendar.
pub const MAX_LABEL_BYTES: usize = 255;

/// Bytes of subject and text that the assignment rules read; longer texts are read up to this length.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Events kept per ticket. Further events are rejected and counted.
pub const MAX_EVENTS_A_TICKET: usize = 65_536;

/// Distinct teams, and distinct categories: each has a 16-bit symbol.
pub const MAX_SHORT_LABELS: usize = 65_535;

/// Distinct channels: each has an 8-bit symbol.
pub const MAX_CHANNELS: usize = 255;

/// The share of the channels, of the teams and of the categories that one client may introduce: three quarters, so that a wrong
/// mapping of one client leaves symbols for the others.
pub const LABEL_SHARE: (usize, usize) = (3, 4);

/// Owners or customers without a ticket that do not justify a walk over all tickets.
pub const LABEL_SLACK: usize = 1 << 16;

/// Rows of one batch passed to the engine.
pub const MAX_BATCH_ROWS: usize = 1 << 20;

/// Shards of an engine.
pub const MAX_SHARDS: usize = 1_024;

/// Bytes of a policy file, a mapping file or an iCalendar file.
pub const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Fields, lists and members of a policy file. The parsed form takes about 100 bytes for each; the densest generated policies
/// have one per 8 bytes.
pub const MAX_CONFIG_MARKS: usize = 2 << 20;

/// Bytes of one line or record of an input file.
pub const MAX_LINE_BYTES: usize = 4 << 20;

/// Columns of a CSV file. Each takes about 100 bytes while the file is read; exports have hundreds.
pub const MAX_COLUMNS: usize = 65_536;

/// Bytes that a compressed input may expand to, per compressed byte read (a plain-text export shrinks 5 to 30 times).
pub const MAX_EXPANSION: u64 = 200;

/// Expansion that is always allowed, whatever the ratio: small inputs may compress very well.
pub const EXPANSION_ALLOWANCE_BYTES: u64 = 64 << 20;

/// Bytes of input parsed as one block.
pub const BLOCK_BYTES: usize = 1 << 20;

/// Bytes of rows that replay sorts as one run (texts of a run are stored end to end and addressed by 32-bit offsets).
pub const MAX_SORT_RUN_BYTES: usize = 1 << 30;

/// Minimum memory for sorting: with less, runs are so small that the merge of a large input has thousands of them.
pub const MIN_SORT_BYTES: usize = 16 << 20;

/// Threads of a command.
pub const MAX_THREADS: usize = 1_024;

/// Rows of one on-disk run that the merge reads at once.
pub const SPILL_CHUNK_ROWS: usize = 8_192;

/// Rows that replay passes to the engine at once. Fixed, so that the output does not depend on memory or threads.
pub const REPLAY_WINDOW_ROWS: usize = 1 << 17;

/// Rows and bytes of a row group of a Parquet file that we write; a group is buffered whole.
pub const ROW_GROUP_ROWS: usize = 1 << 20;
pub const ROW_GROUP_BYTES: usize = 128 << 20;

/// Bytes of a column's dictionary in one row group; beyond that, values are written row by row.
pub const DICTIONARY_BYTES: usize = 16 << 20;

/// Rows that the store passes to a table's writer at once.
pub const TABLE_SLICE_ROWS: usize = 1 << 17;

/// Bytes of a store table that are written before they are synced. This bounds the disk's backlog, so that the journal's next
/// sync does not wait for it.
pub const TABLE_UNSYNCED_BYTES: u64 = 32 << 20;

/// Bytes of a snapshot's manifest. A manifest for 64 shards has about 40,000.
pub const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// Epochs of a data folder that are kept, and the bytes of their file; the oldest are dropped first.
pub const MAX_EPOCHS: usize = 4_096;
pub const MAX_EPOCHS_BYTES: u64 = 4 << 20;

/// Bytes whose checksum is computed at once.
pub const CHECKSUM_CHUNK_BYTES: u64 = 8 << 20;

/// Rows of one file of the history, and of one of its row groups.
pub const HISTORY_FILE_ROWS: usize = 1 << 20;
pub const HISTORY_GROUP_ROWS: usize = 1 << 16;

/// History rows that one query reads; the response has a cursor to continue from there.
pub const HISTORY_LOOK_ROWS: u64 = 1 << 20;

/// Records in the response to one history query.
pub const MAX_HISTORY_RECORDS: usize = 10_000;

/// Batches of results queued for the writer thread.
pub const WAITING_OUTPUT_BATCHES: usize = 4;

/// Rows of a generated history that are written at once.
pub const GENERATED_ROWS: usize = 1 << 16;

/// Rejected rows that are described on the terminal; the rest go to the rejects file and the count.
pub const REJECTS_SHOWN: usize = 20;

/// Intervals of business time that the explanation of one cycle lists; a month of office hours has about 40.
pub const MAX_EXPLAINED_INTERVALS: usize = 200;

/// Cycles that the explanation of one ticket lists, the newest ones.
pub const MAX_EXPLAINED_CYCLES: usize = 1_000;

/// Versions of all priorities that an engine keeps (each has a 16-bit number).
pub const MAX_VERSIONS: usize = 65_535;

/// Bytes of one Arrow record batch, compressed or decompressed. Batches are read whole; tools write a few MiB each.
pub const MAX_TABLE_BATCH_BYTES: u64 = 512 << 20;

/// Bytes of an Arrow message's metadata: for a schema with thousands of columns, a few hundred thousand.
pub const MAX_TABLE_HEADER_BYTES: u64 = 2 << 20;

/// Bytes of a page of a Parquet column, decompressed and with the prefixes of its texts joined; writers make pages of 1 MiB.
/// The second bound is for a page in a file supplied by the user: some programs write a whole column as one page.
pub const MAX_TABLE_PAGE_BYTES: u64 = 64 << 20;
pub const MAX_OWN_TABLE_PAGE_BYTES: u64 = 512 << 20;

/// Bytes of the pages in memory for one read of rows, and of the dictionaries of an Arrow stream in a file supplied by the
/// user.
pub const MAX_TABLE_READ_BYTES: u64 = 128 << 20;
pub const MAX_OWN_TABLE_READ_BYTES: u64 = 1 << 30;

/// Bytes of the dictionaries that an Arrow stream keeps.
pub const MAX_TABLE_DICTIONARY_BYTES: u64 = 64 << 20;

/// Bytes of the footer of a Parquet file; decoded, it takes about 50 times as much memory. 100 columns in 100 row groups take
/// about 1 MiB.
pub const MAX_TABLE_FOOTER_BYTES: u64 = 4 << 20;
pub const MAX_OWN_TABLE_FOOTER_BYTES: u64 = 64 << 20;

/// Memory per byte of a Parquet footer once it is decoded.
pub const FOOTER_EXPANSION: u64 = 50;

/// Total bytes of all tables that a service reads at the same time.
pub const MAX_TABLES_BYTES: u64 = 1 << 30;

/// Bytes of the header of a page of a Parquet column: it may contain the column's minimum and maximum text.
pub const MAX_PAGE_HEADER_BYTES: u64 = 1 << 20;

/// Values of a list column in one row group of a Parquet file: they are read with the columns beside them, and not used.
pub const MAX_LIST_VALUES: u64 = 4 << 20;

/// Rows that any input may have, and rows per stored byte beyond that. A row with content takes a few bytes even in the best
/// compression; without a bound, a few bytes that encode many empty rows would keep a core busy.
pub const ROWS_ALLOWANCE: u64 = 1 << 17;
pub const MAX_ROWS_A_BYTE: u64 = 2;

/// Bytes of a response that the client commands read. The longest lists every rejected row of a chunk.
pub const MAX_RESPONSE_BYTES: u64 = 64 << 20;

/// Bytes of a token file, and of a certificate file.
pub const MAX_TOKEN_FILE_BYTES: u64 = 4 << 10;
pub const MAX_CERTIFICATES_BYTES: u64 = 4 << 20;

/// Rows and bytes of a chunk that `overdue load` sends at once: a few MiB, so that a retry is cheap and many rows share one
/// sync. A chunk ends with the row that reaches either bound.
pub const LOAD_CHUNK_ROWS: usize = 1 << 16;
pub const LOAD_CHUNK_BYTES: usize = 8 << 20;

/// Connections of `overdue load`. Each keeps one or two chunks in memory.
pub const MAX_LOAD_CONNECTIONS: usize = 64;

/// Bytes of the file in which `overdue load` records acknowledged chunks: about 200 bytes per chunk.
pub const MAX_RESUME_BYTES: u64 = 256 << 20;

/// How often `overdue load` sends a chunk before it fails, and the maximum wait between attempts.
pub const MAX_ATTEMPTS: u32 = 12;
pub const MAX_RETRY_WAIT_S: u64 = 60;

/// Bulk bodies processed at the same time; each has parser threads and about 50 MiB of blocks and batches.
pub const MAX_BULK_LOADS: usize = 4;

/// Open bulk bodies: in process, waiting for a slot, or waiting for their sender with up to about 10 MiB in memory; and those
/// of one token.
pub const MAX_OPEN_LOADS: usize = 16;
pub const MAX_OPEN_LOADS_OF_A_TOKEN: usize = MAX_OPEN_LOADS / 2;

/// Bytes of a bulk body that must arrive before it is opened: a slow sender does not occupy a slot until then.
pub const BULK_HEAD_BYTES: usize = 512 << 10;

/// Seconds for which a request waits for a bulk slot, or for memory for its own body, before the response asks the client to
/// retry.
pub const PLACE_WAIT_S: u64 = 5;

/// Bytes of bodies in memory, beside the open bulk bodies; twice the operator's limit for one body, if that is more. One token
/// may use half of it.
pub const BODIES_BYTES: usize = 128 << 20;

/// Bytes of memory that a body of unknown length reserves at once.
pub const ROOM_STEP_BYTES: usize = 16 << 10;

/// Bytes of a body that is parsed on the async worker instead of on threads of its own: a few hundred rows, well under a
/// millisecond of the worker's time.
pub const SMALL_BODY_BYTES: usize = 64 << 10;

/// Bytes of a bulk body that are parsed as one block, and so as one batch: large enough that a sync per batch costs little
/// compared with parsing it.
pub const BULK_BLOCK_BYTES: usize = 4 << 20;

/// Pieces of a bulk body that wait between the connection and its parser, and the bytes after which a piece is passed on.
pub const BODY_PIECES: usize = 16;
pub const BODY_PIECE_BYTES: usize = 128 << 10;

/// Rejected rows of a bulk body that the response describes; the others are counted.
pub const MAX_ROW_ERRORS: usize = 100;

/// Policy versions that one page of a part's versions reads; for a part that rarely changed, the page has few entries and a
/// cursor to continue.
pub const MAX_VERSIONS_A_PAGE: usize = 1_000;

/// Rows of one page of a list.
pub const MAX_PAGE_ROWS: usize = 1_000;

/// Characters of a note or reason in a request.
pub const MAX_NOTE_CHARS: usize = 4_096;

/// Characters of a label that a list is filtered by: no label is longer.
pub const MAX_FILTER_CHARS: usize = 255;

/// Names of teams, channels, categories and priorities that the metrics show, the largest first.
pub const MAX_SHOWN_NAMES: usize = 1_000;

/// Readers of the live feed at the same time.
pub const MAX_FEED_READERS: usize = 256;

/// Readers of one token, and the places reserved for tokens without a reader.
pub const MAX_FEED_READERS_OF_A_TOKEN: usize = MAX_FEED_READERS / 4;
pub const RESERVED_FEED_READERS: usize = MAX_FEED_READERS / 8;

/// Milliseconds after which a feed checks whether its token is still valid and whether the service is stopping. With
/// [`TOKENS_CHECK_MS`] it ends within a second.
pub const FEED_WAKE_MS: u64 = 400;

/// Records that a feed reads at once; other requests run between two reads.
pub const FEED_CHUNK_ROWS: usize = 256;

/// Chunks of the feed that are kept for other readers, of about 150 KiB each.
pub const FEED_CHUNKS_KEPT: usize = 16;

/// Seconds without an escalation after which a feed sends a heartbeat.
pub const FEED_HEARTBEAT_S: u64 = 15;

/// Attempts at an edit of one part of the policy while other clients edit other parts.
pub const EDIT_ATTEMPTS: usize = 8;

/// Open intervals that a preview of a calendar shows.
pub const MAX_SHOWN_INTERVALS: usize = 2_000;

/// Responses kept for repeats of requests with a key, and for how long.
pub const MAX_KEPT_RESULTS: usize = 100_000;
pub const KEPT_RESULT_MS: i64 = 24 * 3_600 * 1_000;

/// Days of results that the metrics show.
pub const KEPT_DAYS: i64 = 35;

/// Acknowledgements kept beside the history; the oldest are dropped first.
pub const MAX_ACKNOWLEDGEMENTS: usize = 1_000_000;

/// Commands queued for the sequencer. A bulk command has up to [`MAX_BATCH_ROWS`] rows.
pub const COMMAND_QUEUE: usize = 1_024;

/// Commands and rows of one group of the journal.
pub const MAX_GROUP_COMMANDS: usize = 1_024;
pub const MAX_GROUP_ROWS: usize = 1 << 17;

/// Timers fired in one step when several seconds are due at once: commands are accepted between steps.
pub const STORM_TIMERS: u64 = 100_000;

/// Escalation records kept in memory for the feed and the list; older ones are read from the history.
pub const FEED_RECORDS: usize = 1_000_000;

/// Records that wait in memory until they are written to the history as one file.
pub const HISTORY_FLUSH_RECORDS: usize = 1 << 18;

/// Records that one page of a list reads; for a selective filter, the page has few entries and a cursor to continue.
pub const MAX_RECORDS_A_PAGE: u64 = 200_000;

/// The largest deviation of the wall clock from the expected time (by the monotonic clock, or by the last known time at a
/// start) that is still followed: corrections by NTP are smaller.
pub const MAX_STEP_MS: i64 = 10 * 1_000;

/// How near the wall clock must be to a time that the operator accepts: long enough to copy it into a command, short enough
/// that a forgotten setting does not accept another jump.
pub const ACCEPTED_WITHIN_MS: i64 = 3_600 * 1_000;

/// How far the engine's time may lag before the service reports not ready. A burst of a million levels and an edit over a
/// million tickets take a second or two.
pub const MAX_LAG_MS: i64 = 10 * 1_000;

/// The longest time without a group of the journal: then a group without inputs is written, so that the next start knows the
/// time even after a quiet period.
pub const MAX_SILENCE_MS: i64 = 24 * 3_600 * 1_000;

/// Milliseconds between two checks that the data folder still exists.
pub const FOLDER_CHECK_MS: u64 = 1_000;

/// Shards of the live engine: a snapshot stops it for one shard at a time.
pub const LIVE_SHARDS: usize = 64;

/// Bytes of a segment of the journal, written as zeros before it is used. Large enough that a segment takes a second to fill at
/// full load, small enough that a start reads the rest of the last one in about 30 ms.
pub const JOURNAL_SEGMENT_BYTES: u64 = 64 << 20;

/// Bytes of the journal that are written or read at once; a smaller group is one write.
pub const JOURNAL_BUFFER_BYTES: usize = 1 << 20;

/// Bytes of one group of the journal (its length has 32 bits, and it is decoded in memory).
pub const MAX_GROUP_BYTES: usize = 512 << 20;

/// Inputs of one group of the journal.
pub const MAX_GROUP_INPUTS: usize = 1 << 16;

/// Tokens of a data folder; every request is compared with all of them.
pub const MAX_TOKENS: usize = 1_024;

/// Bytes of the file of tokens.
pub const MAX_TOKENS_BYTES: u64 = 1 << 20;

/// Bytes of a token's name, which is part of every input's origin.
pub const MAX_TOKEN_NAME_BYTES: usize = 64;

/// Milliseconds between two checks of the token file: how long a revoked token may still work.
pub const TOKENS_CHECK_MS: i64 = 500;

/// Bytes of a presented token; longer ones are not looked up.
pub const MAX_PRESENTED_TOKEN_BYTES: usize = 256;

/// The operator's maximum for a body that is read whole (policies with their calendars, one event): such bodies are kept in
/// memory.
pub const MAX_BODY_BYTES: usize = 256 << 20;

/// The operator's maximum for a bulk body as sent over the wire. It is never in memory whole.
pub const MAX_BULK_BODY_BYTES: u64 = 1 << 40;

/// Minimum average rate of a body, beyond the time that every body has: a bulk load over a slow line reaches it, a client that
/// sends a byte now and then to keep its slot does not.
pub const LEAST_BODY_BYTES_A_SECOND: u64 = 16 << 10;

/// Minimum bytes of a body in each minute that the service waits for it, whatever its total time: a modem reaches it.
pub const LEAST_BODY_BYTES_A_MINUTE: u64 = 64 << 10;

/// Headers of a request, and their bytes together with the path: enough for any client. The framework itself rejects 96 headers
/// or 128 KiB, with a response that gives no reason.
pub const MAX_HEADERS: usize = 64;
pub const MAX_HEADERS_BYTES: usize = 32 << 10;

/// Bytes of the path and query of a request.
pub const MAX_URI_BYTES: usize = 8 << 10;

/// The operator's maximum of open connections for one worker.
pub const MAX_CONNECTIONS: usize = 1 << 20;

/// Connections that wait to be accepted. It covers a burst of clients that connect at once; the system bounds it too
/// (`net.core.somaxconn`).
pub const LISTEN_BACKLOG: i32 = 4_096;

/// Open connections of the listener for metrics: scrapers and health checks.
pub const METRICS_CONNECTIONS: usize = 64;

/// File descriptors reserved for everything but connections: the journal's segments, the tables of a snapshot, history files
/// that requests read, spooled inputs, the threads' own.
pub const RESERVED_DESCRIPTORS: u64 = 192;

/// Minimum number of connections; with fewer, the start fails, because the process would be up but unusable.
pub const LEAST_CONNECTIONS: usize = 16;

/// Addresses without a valid token whose attempts are counted separately; all further addresses share one count.
pub const MAX_COUNTED_PEERS: usize = 16_384;

/// Bytes of an `Idempotency-Key` (RFC drafts suggest a UUID) and of an `X-Request-Id` that the service adopts.
pub const MAX_KEY_BYTES: usize = 128;

/// Responses kept for repeats, the bytes of one, and how long. The oldest are dropped first; the service itself recognises
/// repeats of loads for longer.
pub const MAX_CACHED_RESPONSES: usize = 4_096;
pub const MAX_CACHED_RESPONSE_BYTES: usize = 16 << 10;
pub const CACHED_RESPONSE_S: u64 = 24 * 60 * 60;

/// Names of teams, channels, categories and priorities that have series of their own in Prometheus, the largest first; the
/// others are summed. A scrape stays below a few thousand lines.
pub const MAX_METRIC_NAMES: usize = 200;
