// Package home shows the first page: the feed of the viewer's channels, or of all.
package home
