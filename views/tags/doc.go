// Package tags shows the list of tags and the posts that bear one.
package tags
