// Package sessions shows the doors: where one signs in and where one joins.
package sessions
