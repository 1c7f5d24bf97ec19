// Package sessions shows the doors: where one signs in, where one joins, and what stands there when they are shut.
package sessions
