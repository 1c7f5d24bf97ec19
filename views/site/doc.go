// Package site shows what an admin decides about the forum as a whole, and what is left to do before it opens.
package site
