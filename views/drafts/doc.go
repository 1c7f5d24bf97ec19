// Package drafts shows the texts that a member has begun and not sent.
package drafts
