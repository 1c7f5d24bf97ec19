// Package revisions shows what a post or comment has said before, and what each edit changed in it.
package revisions
