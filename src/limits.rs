//! Every bound of the engine, in one place.
//!
//! A bound exists so that no input, however hostile or mistaken, can make memory or time grow without end. Each constant
//! says what it bounds and why it has its size. Code elsewhere names these constants; it never writes such a number.

/// Clocks of one priority. A ticket keeps its clocks side by side, so this also bounds the size of a ticket.
pub const MAX_CLOCKS: usize = 8;

/// Levels of one clock. A clock's state has one bit a level, beside two for "at risk" and "breached".
pub const MAX_LEVELS: usize = 12;

/// Priorities of one policy (every version of every priority gets a 16-bit number).
pub const MAX_PRIORITIES: usize = 4_096;

/// Calendars of one policy. A compiled calendar takes about 1 MiB.
pub const MAX_CALENDARS: usize = 1_024;

/// Assignment rules of one policy.
pub const MAX_RULES: usize = 10_000;

/// Keywords of all rules of one policy together.
pub const MAX_KEYWORDS: usize = 100_000;

/// Problems of one policy file that are described; the rest are counted. More than anyone reads, far less than a file of
/// rubbish has.
pub const MAX_PROBLEMS: usize = 1_000;

/// Holidays and special days of one calendar, after iCalendar recurrences are written out.
pub const MAX_SPECIAL_DAYS: usize = 20_000;

/// Intervals of opening hours in one day.
pub const MAX_INTERVALS_A_DAY: usize = 48;

/// Bytes of a ticket id (its length is kept in one byte).
pub const MAX_TICKET_ID_BYTES: usize = 255;

/// Bytes of a name or label: priority, team, owner, channel, category, customer, clock, calendar.
pub const MAX_LABEL_BYTES: usize = 255;

/// Bytes of subject and text that the assignment rules read; what is longer is read up to here.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Events that one ticket keeps. The next one is refused, and counted.
pub const MAX_EVENTS_A_TICKET: usize = 65_536;

/// Distinct teams, categories: each is kept as a 16-bit number.
pub const MAX_SHORT_LABELS: usize = 65_535;

/// Distinct channels: kept as an 8-bit number.
pub const MAX_CHANNELS: usize = 255;

/// The share of the channels, of the teams and of the categories that one client may introduce: three of four, so that a wrong
/// mapping of one leaves numbers to the others.
pub const LABEL_SHARE: (usize, usize) = (3, 4);

/// Owners or customers without a ticket that are not worth a walk over all tickets.
pub const LABEL_SLACK: usize = 1 << 16;

/// Rows of one batch handed to the engine.
pub const MAX_BATCH_ROWS: usize = 1 << 20;

/// Shards of an engine.
pub const MAX_SHARDS: usize = 1_024;

/// Bytes of a policy file, a mapping file or an iCalendar file.
pub const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Fields, lists and members of a policy file. Its parsed form takes some 100 bytes for each; the longest policies that
/// programs write have one in 8 bytes.
pub const MAX_CONFIG_MARKS: usize = 2 << 20;

/// Bytes of one line or record of an input file.
pub const MAX_LINE_BYTES: usize = 4 << 20;

/// Columns of a CSV file. Each takes some 100 bytes while the file is read; exports have hundreds.
pub const MAX_COLUMNS: usize = 65_536;

/// Bytes that a compressed input may expand to, for each compressed byte read (a plain-text export shrinks 5 to 30 times).
pub const MAX_EXPANSION: u64 = 200;

/// Expansion that is always allowed, whatever the ratio: small inputs may shrink very well.
pub const EXPANSION_ALLOWANCE_BYTES: u64 = 64 << 20;

/// Bytes of input parsed as one block.
pub const BLOCK_BYTES: usize = 1 << 20;

/// Bytes of rows that replay sorts as one run (texts of a run lie end to end and are found by 32-bit offsets).
pub const MAX_SORT_RUN_BYTES: usize = 1 << 30;

/// The least memory for sorting: with less, runs would be so small that the merge of a large input had thousands of them.
pub const MIN_SORT_BYTES: usize = 16 << 20;

/// Threads of a command.
pub const MAX_THREADS: usize = 1_024;

/// Rows that the merge of a run on disk reads at once.
pub const SPILL_CHUNK_ROWS: usize = 8_192;

/// Rows that replay hands to the engine at once. Fixed, so that what is written does not depend on memory or threads.
pub const REPLAY_WINDOW_ROWS: usize = 1 << 17;

/// Rows and bytes of a row group of a Parquet file that we write; a group is buffered whole.
pub const ROW_GROUP_ROWS: usize = 1 << 20;
pub const ROW_GROUP_BYTES: usize = 128 << 20;

/// Bytes of the distinct words of a column in one row group; beyond that they are written row by row.
pub const DICTIONARY_BYTES: usize = 16 << 20;

/// Rows that the store hands to a table's writer at once.
pub const TABLE_SLICE_ROWS: usize = 1 << 17;

/// Bytes of a table of the store that are written before they are synced. The disk is then never so far behind that the
/// journal's next sync waits for it.
pub const TABLE_UNSYNCED_BYTES: u64 = 32 << 20;

/// Bytes of a snapshot's manifest. One of 64 shards has about 40,000.
pub const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// Epochs of a data folder that are remembered, and the bytes of their file; the oldest go first.
pub const MAX_EPOCHS: usize = 4_096;
pub const MAX_EPOCHS_BYTES: u64 = 4 << 20;

/// Bytes whose checksum is computed at once.
pub const CHECKSUM_CHUNK_BYTES: u64 = 8 << 20;

/// Rows of one file of the history, and of one of its row groups.
pub const HISTORY_FILE_ROWS: usize = 1 << 20;
pub const HISTORY_GROUP_ROWS: usize = 1 << 16;

/// Rows of the history that one question looks at; what is asked for then goes on from there.
pub const HISTORY_LOOK_ROWS: u64 = 1 << 20;

/// Records that one question to the history is answered with.
pub const MAX_HISTORY_RECORDS: usize = 10_000;

/// Batches of results that wait for the thread that writes them.
pub const WAITING_OUTPUT_BATCHES: usize = 4;

/// Rows of a made-up history that are written at once.
pub const GENERATED_ROWS: usize = 1 << 16;

/// Bad rows that are described on the terminal; the rest go to the rejects file and the count.
pub const REJECTS_SHOWN: usize = 20;

/// Stretches of business time that the explanation of one cycle lists; a month of office hours has some 40.
pub const MAX_EXPLAINED_INTERVALS: usize = 200;

/// Cycles that the explanation of one ticket lists, the newest.
pub const MAX_EXPLAINED_CYCLES: usize = 1_000;

/// Versions of all priorities that an engine keeps (each has a 16-bit number).
pub const MAX_VERSIONS: usize = 65_535;

/// Bytes of one Arrow record batch, packed or unpacked. Batches are read whole; tools write some MiB each.
pub const MAX_TABLE_BATCH_BYTES: u64 = 512 << 20;

/// Bytes of an Arrow message's description: of a schema with thousands of columns it has some hundred thousand.
pub const MAX_TABLE_HEADER_BYTES: u64 = 2 << 20;

/// Bytes of a page of a Parquet column, unpacked and with the prefixes of its texts joined; writers make pages of 1 MiB. And of
/// a page in a file of the user's own: some programs write a whole column as one page.
pub const MAX_TABLE_PAGE_BYTES: u64 = 64 << 20;
pub const MAX_OWN_TABLE_PAGE_BYTES: u64 = 512 << 20;

/// Bytes of the pages that one read of rows holds, and of the dictionaries of an Arrow stream in a file of the user's own.
pub const MAX_TABLE_READ_BYTES: u64 = 128 << 20;
pub const MAX_OWN_TABLE_READ_BYTES: u64 = 1 << 30;

/// Bytes of the dictionaries that an Arrow stream keeps.
pub const MAX_TABLE_DICTIONARY_BYTES: u64 = 64 << 20;

/// Bytes of the description at the end of a Parquet file; read, it takes some 50 times as much memory. 100 columns in 100 row
/// groups take about 1 MiB.
pub const MAX_TABLE_FOOTER_BYTES: u64 = 4 << 20;
pub const MAX_OWN_TABLE_FOOTER_BYTES: u64 = 64 << 20;

/// Memory that a byte of a Parquet file's description takes when it has been read.
pub const FOOTER_EXPANSION: u64 = 50;

/// Bytes that all tables may take together which a service reads at the same time.
pub const MAX_TABLES_BYTES: u64 = 1 << 30;

/// Bytes of the header of a page of a Parquet column: it may have the column's least and greatest text.
pub const MAX_PAGE_HEADER_BYTES: u64 = 1 << 20;

/// Values of a column of lists in one row group of a Parquet file: they are read with the columns beside them, and not used.
pub const MAX_LIST_VALUES: u64 = 4 << 20;

/// Rows that any input may have, and rows for each byte of it as it is stored beyond that. A row that says something takes some
/// bytes even in the best compression; without a bound a few bytes that stand for many empty rows would keep a core busy.
pub const ROWS_ALLOWANCE: u64 = 1 << 17;
pub const MAX_ROWS_A_BYTE: u64 = 2;

/// Bytes of an answer that the client commands read. The longest lists every row of a chunk that was refused.
pub const MAX_RESPONSE_BYTES: u64 = 64 << 20;

/// Bytes of a file with a token, and of one with certificates.
pub const MAX_TOKEN_FILE_BYTES: u64 = 4 << 10;
pub const MAX_CERTIFICATES_BYTES: u64 = 4 << 20;

/// Rows and bytes of a chunk that `overdue load` sends at once: some MiB, so that a repeat is cheap and its sync is shared by
/// many rows. A chunk ends with the row that reaches one of them.
pub const LOAD_CHUNK_ROWS: usize = 1 << 16;
pub const LOAD_CHUNK_BYTES: usize = 8 << 20;

/// Connections of `overdue load`. Each holds a chunk or two.
pub const MAX_LOAD_CONNECTIONS: usize = 64;

/// Bytes of the file in which `overdue load` remembers what was acknowledged: some 200 bytes a chunk.
pub const MAX_RESUME_BYTES: u64 = 256 << 20;

/// How often `overdue load` sends a chunk before it gives up, and how long it waits at most in between.
pub const MAX_ATTEMPTS: u32 = 12;
pub const MAX_RETRY_WAIT_S: u64 = 60;

/// Bulk bodies that are worked on at the same time; each has parser threads and some 50 MiB of blocks and batches.
pub const MAX_BULK_LOADS: usize = 4;

/// Bulk bodies that are open: worked on, waiting for their turn, or waiting for their sender with up to some 10 MiB at hand; and
/// those of one token.
pub const MAX_OPEN_LOADS: usize = 16;
pub const MAX_OPEN_LOADS_OF_A_TOKEN: usize = MAX_OPEN_LOADS / 2;

/// Bytes of a bulk body that must be there before it is opened: a sender that is slow from the start opens none until then.
pub const BULK_HEAD_BYTES: usize = 512 << 10;

/// Seconds for which a request waits for a bulk body to end, or for room for its own body, before it is told to come again.
pub const PLACE_WAIT_S: u64 = 5;

/// Bytes of bodies that may lie in memory, beside the bulk bodies that are open; twice what the operator allows for one body, if
/// that is more. One token may have half of it.
pub const BODIES_BYTES: usize = 128 << 20;

/// Bytes of room that a body of unknown length takes at once.
pub const ROOM_STEP_BYTES: usize = 16 << 10;

/// Bytes of a body that is parsed where it arrives instead of on threads of its own: some hundred rows, well under a
/// millisecond of an async worker's time.
pub const SMALL_BODY_BYTES: usize = 64 << 10;

/// Bytes of a bulk body that are parsed as one piece, and so a batch: large enough that a sync for each batch is little beside
/// parsing it.
pub const BULK_BLOCK_BYTES: usize = 4 << 20;

/// Pieces of a bulk body, and bytes after which a piece is handed on, that wait between the connection and its parser.
pub const BODY_PIECES: usize = 16;
pub const BODY_PIECE_BYTES: usize = 128 << 10;

/// Refused rows of a bulk body that the answer describes; the others are counted.
pub const MAX_ROW_ERRORS: usize = 100;

/// Versions of the policy that a page of a part's versions looks at; a part that rarely changed gets a page with few, and where to
/// go on.
pub const MAX_VERSIONS_A_PAGE: usize = 1_000;

/// Rows of one page of a list.
pub const MAX_PAGE_ROWS: usize = 1_000;

/// Characters of a note or reason that somebody writes.
pub const MAX_NOTE_CHARS: usize = 4_096;

/// Characters of a word that a list is filtered by: more than any word has.
pub const MAX_FILTER_CHARS: usize = 255;

/// Names of teams, channels, categories and priorities that the metrics show, the largest.
pub const MAX_SHOWN_NAMES: usize = 1_000;

/// Readers of the live feed at the same time.
pub const MAX_FEED_READERS: usize = 256;

/// Those of one token, and the places that only a token without a reader gets.
pub const MAX_FEED_READERS_OF_A_TOKEN: usize = MAX_FEED_READERS / 4;
pub const RESERVED_FEED_READERS: usize = MAX_FEED_READERS / 8;

/// Milliseconds after which a feed looks whether its token still lets it in, and whether the service is stopping. With
/// [`TOKENS_CHECK_MS`] it ends within a second.
pub const FEED_WAKE_MS: u64 = 400;

/// Records that a feed reads at once; between two reads other requests have their turn.
pub const FEED_CHUNK_ROWS: usize = 256;

/// Seconds without an escalation after which a feed says that it is still there.
pub const FEED_HEARTBEAT_S: u64 = 15;

/// Attempts at an edit of one part of the policy while others edit other parts.
pub const EDIT_ATTEMPTS: usize = 8;

/// Open intervals that a preview of a calendar shows.
pub const MAX_SHOWN_INTERVALS: usize = 2_000;

/// Answers that are kept for repeats of requests with a key, and for how long.
pub const MAX_KEPT_RESULTS: usize = 100_000;
pub const KEPT_RESULT_MS: i64 = 24 * 3_600 * 1_000;

/// Days of results that the metrics show.
pub const KEPT_DAYS: i64 = 35;

/// Acknowledgements that are remembered beside the history; the oldest go first.
pub const MAX_ACKNOWLEDGEMENTS: usize = 1_000_000;

/// Commands that wait for the sequencer. A bulk command holds up to [`MAX_BATCH_ROWS`] rows.
pub const COMMAND_QUEUE: usize = 1_024;

/// Commands and rows of one group of the journal.
pub const MAX_GROUP_COMMANDS: usize = 1_024;
pub const MAX_GROUP_ROWS: usize = 1 << 17;

/// Timers that are let ring in one step when several seconds are due at once: between steps commands are taken.
pub const STORM_TIMERS: u64 = 100_000;

/// Escalation records kept in memory for the feed and the list; older ones are read from the history.
pub const FEED_RECORDS: usize = 1_000_000;

/// Records that wait in memory until they are written to the history as one file.
pub const HISTORY_FLUSH_RECORDS: usize = 1 << 18;

/// Records that one page of a list looks at; a filter that admits few gets a page with few, and where to go on.
pub const MAX_RECORDS_A_PAGE: u64 = 200_000;

/// The furthest that the wall clock may be off from where it should be (by the monotonic clock, or by the last known time at
/// a start) and still be followed: corrections by NTP are smaller.
pub const MAX_STEP_MS: i64 = 10 * 1_000;

/// How near the wall clock must be to a time that the operator accepts: long enough to copy it into a command, too short for
/// a setting that was forgotten to accept another jump.
pub const ACCEPTED_WITHIN_MS: i64 = 3_600 * 1_000;

/// How far the engine's time may lie behind before the service says that it is not ready. A burst of a million levels and an
/// edit over a million tickets take a second or two.
pub const MAX_LAG_MS: i64 = 10 * 1_000;

/// The longest time without a group of the journal: after it one without inputs is written, so that the next start knows
/// what time it was, however quiet the service has been.
pub const MAX_SILENCE_MS: i64 = 24 * 3_600 * 1_000;

/// Milliseconds between two looks at whether the data folder is still there.
pub const FOLDER_CHECK_MS: u64 = 1_000;

/// Shards of the live engine: a snapshot stops it for one at a time.
pub const LIVE_SHARDS: usize = 64;

/// Bytes of a segment of the journal, written as zeros before it is used. Large enough that a segment takes a second to
/// fill at full load, small enough that a start reads the rest of the last one in some 30 ms.
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

/// Bytes of a token's name, which goes into every input's origin.
pub const MAX_TOKEN_NAME_BYTES: usize = 64;

/// Milliseconds between two looks at the file of tokens: how long a revoked token may still work.
pub const TOKENS_CHECK_MS: i64 = 500;

/// Bytes of a token that is presented; longer ones are not looked up.
pub const MAX_PRESENTED_TOKEN_BYTES: usize = 256;

/// The most that the operator may allow for a body that is read whole (policies with their calendars, one event): such bodies
/// lie in memory.
pub const MAX_BODY_BYTES: usize = 256 << 20;

/// The most that the operator may allow for a bulk body as it comes over the wire. It is never held whole.
pub const MAX_BULK_BODY_BYTES: u64 = 1 << 40;

/// How fast a body must come on the whole, beyond the time that every body has: a bulk load over a slow line does, a client
/// that sends a byte now and then to hold its place does not.
pub const LEAST_BODY_BYTES_A_SECOND: u64 = 16 << 10;

/// What must come of a body in each minute for which it is waited for, whatever time it has on the whole: a modem does it.
pub const LEAST_BODY_BYTES_A_MINUTE: u64 = 64 << 10;

/// Headers of a request, and their bytes together with the path: what a person or a client has any use for. The framework
/// itself gives up at 96 headers or 128 KiB, with an answer that says nothing.
pub const MAX_HEADERS: usize = 64;
pub const MAX_HEADERS_BYTES: usize = 32 << 10;

/// Bytes of the path and query of a request.
pub const MAX_URI_BYTES: usize = 8 << 10;

/// The most open connections that the operator may allow for one worker.
pub const MAX_CONNECTIONS: usize = 1 << 20;

/// Connections that wait to be accepted. A burst of clients that come at once gets in; the system bounds it too
/// (`net.core.somaxconn`).
pub const LISTEN_BACKLOG: i32 = 4_096;

/// Open connections of the listener for metrics: scrapers and health checks.
pub const METRICS_CONNECTIONS: usize = 64;

/// File descriptors that connections leave to the rest of the process: the journal's segments, the tables of a snapshot, history
/// files that requests read, inputs that are spooled, the threads' own.
pub const RESERVED_DESCRIPTORS: u64 = 192;

/// Connections below which a start is refused: the process would be up and nobody could use it.
pub const LEAST_CONNECTIONS: usize = 16;

/// Addresses without a valid token whose attempts are counted apart; beyond, all others share one count.
pub const MAX_COUNTED_PEERS: usize = 16_384;

/// Bytes of an `Idempotency-Key` (RFC drafts suggest a UUID) and of an `X-Request-Id` that is taken over.
pub const MAX_KEY_BYTES: usize = 128;

/// Answers kept for repeats, the bytes of one, and how long. The oldest go first; repeats of loads are known for longer by the
/// service itself.
pub const MAX_CACHED_RESPONSES: usize = 4_096;
pub const MAX_CACHED_RESPONSE_BYTES: usize = 16 << 10;
pub const CACHED_RESPONSE_S: u64 = 24 * 60 * 60;

/// Names of teams, channels, categories and priorities that have series of their own in Prometheus, the largest; the others
/// are summed. A scrape stays below some thousand lines.
pub const MAX_METRIC_NAMES: usize = 200;
