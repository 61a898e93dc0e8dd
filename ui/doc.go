// Package ui is the full-screen interface. It sees only the api.
//
//	api.Client.Follow ----> inbox (merged by id, wake channel of size 1)
//	                          |
//	                        pump: the only caller of QueueUpdateDraw
//	                          |
//	key, mouse ----> handlers on tview's loop ----> model ----> render -> cells
//	                   | never block, never queue
//	                   '--> go act(ctx): network through api.Client; its result
//	                        comes back through the inbox
package ui
