// Package about shows the few pages that say what the forum is and what it asks of people.
package about
