module codex

go 1.26.0

require (
	github.com/JohannesKaufmann/html-to-markdown/v2 v2.5.2 // imported posts become Markdown that people can edit
	github.com/a-h/templ v0.3.1100 // pages are templ components
	github.com/alecthomas/kong v1.17.0 // one struct is flags, environment, defaults and help
	github.com/andybalholm/brotli v1.2.8 // static files are compressed once, at start
	github.com/boombuler/barcode v1.0.1-0.20190219062509-6c824513bacc // the QR code that an authenticator reads
	github.com/chromedp/cdproto v0.159.0 // tests: what chromedp speaks
	github.com/chromedp/chromedp v0.23.0 // tests in a real browser
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6 // tests: a mail server that asks for a password
	github.com/emersion/go-smtp v0.25.1 // tests: a real mail server
	github.com/google/go-cmp v0.7.0 // tests: differences that can be read
	github.com/google/uuid v1.6.0 // ids of requests, forms and sites
	github.com/gosimple/slug v1.15.0 // the readable part of a post's address
	github.com/gosimple/unidecode v1.0.1 // handles of imported members from names in any script
	github.com/jmoiron/sqlx v1.4.0 // rows into structs
	github.com/klauspost/compress v1.20.4 // gzip and zstd of pages, faster than the standard library
	github.com/mattn/go-sqlite3 v1.14.53 // SQLite, which can be interrupted in a running query
	github.com/microcosm-cc/bluemonday v1.0.27 // the allow-list that everything written passes last
	github.com/pquerna/otp v1.5.0 // one-time codes of the second factor
	github.com/pressly/goose/v3 v3.29.0 // migrations, embedded and transactional
	github.com/r3labs/sse/v2 v2.10.0 // how events are written to a browser
	github.com/tdewolff/minify/v2 v2.24.25 // our script is sent without comments and with short names
	github.com/wneessen/go-mail v0.8.1 // letters: headers that cannot be broken, TLS, sign-in to the mail server
	github.com/yuin/goldmark v1.8.7 // Markdown
	github.com/yuin/goldmark-emoji v1.0.6 // :smile: in Markdown
	go.uber.org/goleak v1.3.0 // tests: no goroutine stays behind
	golang.org/x/crypto v0.59.0 // argon2id
	golang.org/x/image v0.48.0 // a logo may come as WebP
	golang.org/x/net v0.62.0 // tests read pages as HTML; the excerpt of a text too
	golang.org/x/term v0.48.0 // a password on a terminal is not shown
	golang.org/x/text v0.44.0 // names in one normal form
	golang.org/x/time v0.16.0 // token buckets of the rate limits
	pgregory.net/rapid v1.3.0 // tests of properties
)

require (
	github.com/JohannesKaufmann/dom v0.3.1 // indirect
	github.com/a-h/parse v0.0.0-20250122154542-74294addb73e // indirect
	github.com/aymerick/douceur v0.2.0 // indirect
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/cli/browser v1.3.0 // indirect
	github.com/fatih/color v1.19.0 // indirect
	github.com/fsnotify/fsnotify v1.10.1 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/gorilla/css v1.0.1 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/natefinch/atomic v1.0.1 // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	github.com/tdewolff/parse/v2 v2.8.20 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
	gopkg.in/cenkalti/backoff.v1 v1.1.0 // indirect
)

tool github.com/a-h/templ/cmd/templ
