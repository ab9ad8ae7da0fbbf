/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model of threads/handoff.c and of how the loops of monitor.c and managemon.c use it: one array with its duplicates,
 * updates, requests, tickets, wake-ups, start and end. See README.
 *
 * What is looked for:
 *	- an object is touched that its owner has freed             (assertions on `alive`)
 *	- a ticket is honoured too early                            (assertions in check_ticket)
 *	- objects are lost, doubled or overtake one another         (assertions in the manager)
 *	- a wake-up or a request is lost: somebody waits for ever   (invalid end state)
 *	- the two keep each other busy for ever                     (non-progress cycle; nothing here is progress)
 *
 * Memory is sequentially consistent here, as with memory_order_seq_cst. Each line that touches something shared is
 * one step. The BUG_ macros are mistakes that must be found (script `check`).
 */
#ifndef COPIES
#define COPIES 3
#define UPDATES 2
#define TICKETS 2
#define HOLDS 1 /* passes that end without an answer to the clients */
#define ASKS 1  /* times that the monitor asks for something */
#endif

#define NIL 0
#define FIRST_UPDATE (COPIES + 1)
#define NODES (COPIES + UPDATES)

/* ---- threads/handoff.c: what is shared ---- */

byte next[NODES + 1]; /* struct handoff_node of copies 1 .., then of updates */
byte published, discarded, updates, handled; /* heads of the lists */
bool array_request, member_request;
byte drawn, honoured;
bool stop;
bool monitor_known; /* monitor_tid is set */
bool monitor_pending, manager_pending; /* SIGUSR1 */

/* ---- what nobody but the assertions and `all_is_done` looks at ---- */

bool alive[NODES + 1];
bool watch_alive;
byte looked_at; /* the newest copy that was looked at */
bool applied[NODES + 1];
bool unanswered; /* the monitor has asked and the manager has not seen it */
bool monitor_waits, manager_waits;

/* ---- threads/handoff.c ---- */

inline list_push(top, node, old)
{
	assert(alive[node]);
	old = top;
	do
	:: next[node] = old;
	   if
	   :: atomic { top == old -> top = node; old = NIL }; break
	   :: atomic { top != old -> old = top }
	   fi
	od
}

/* Turning the list round concerns nobody else. */
inline list_take(top, first, following, node)
{
	atomic {
		node = top;
		top = NIL
	}
	d_step {
		first = NIL;
		do
		:: node != NIL ->
			assert(alive[node]);
			following = next[node];
			next[node] = first;
			first = node;
			node = following
		:: else -> break
		od;
		following = NIL
	}
}

#ifdef BUG_SIGNAL_NOT_BLOCKED
#define SIGNAL(pending, waits) if :: atomic { waits -> pending = true } :: atomic { !waits -> skip } fi
#else
#define SIGNAL(pending, waits) pending = true
#endif

inline wake_monitor()
{
	if
	:: monitor_known -> SIGNAL(monitor_pending, monitor_waits)
	:: else
	fi
}

inline wake_manager()
{
	SIGNAL(manager_pending, manager_waits)
}

/* ---- the monitor ---- */

inline discard(c)
{
	list_push(discarded, c, head);
#ifdef BUG_TOUCHED_AFTER_DISCARD
	assert(alive[c]);
#endif
	wake = true
}

inline take_arrays()
{
	list_take(published, list, following, n);
	do
	:: list != NIL ->
		n = list;
		list = next[n];
		if
		:: mine != NIL -> discard(mine)
		:: else
		fi;
		mine = n;
		n = NIL
	:: else -> break
	od
}

inline look()
{
	if
	:: mine != NIL ->
		assert(alive[mine] && watch_alive);
		looked_at = mine
	:: else
	fi
}

inline ask()
{
	asked++;
	unanswered = true;
	assert(alive[mine] && watch_alive);
#ifdef BUG_REQUEST_ORDER
	array_request = true;
	member_request = true;
#else
	member_request = true;
	array_request = true;
#endif
	wake = true
}

inline return_updates()
{
	do
	:: batch != NIL ->
		n = batch;
		batch = next[n];
		applied[n] = true;
		list_push(handled, n, head);
		wake = true
	:: else -> break
	od;
	n = NIL
}

inline pass()
{
	seen = drawn;
	list_take(updates, batch, following, n);
	take_arrays();
	look();
	if
	:: mine != NIL && asked < ASKS -> ask()
	:: mine != NIL -> /* it has stopped */
		discard(mine);
		mine = NIL
	:: true
	fi;
	return_updates();
#ifdef BUG_TICKET_AT_END
	seen = drawn;
#endif
	if
	:: holds < HOLDS -> /* an answer to the kernel is still due */
		holds++;
		hold = true;
		seen = honoured
	:: true
	fi;
	if
	:: seen != honoured ->
		honoured = seen;
		wake = true
	:: else
	fi;
	if
	:: wake -> wake_manager()
	:: else
	fi
}

active proctype monitor()
{
	byte n, head, list, following;
	byte batch;  /* updates of this pass */
	byte mine;   /* its copy of the array */
	byte seen, asked, holds;
	bool wake, hold;

#ifndef BUG_KNOWN_TOO_LATE
	monitor_known = true;
#endif
	do
	:: stop -> break
	:: else ->
		pass();
#ifdef BUG_KNOWN_TOO_LATE
		monitor_known = true;
#endif
		if
		:: stop -> break
		:: else
		fi;
		monitor_waits = true;
		if
		:: atomic { monitor_pending -> monitor_pending = false }
		:: hold /* its own timer */
		fi;
		d_step {
			monitor_waits = false;
			wake = false;
			hold = false;
			seen = 0
		}
	od;
	monitor_known = false
}

/* ---- the manager ---- */

#define may_publish (made < COPIES && (made == 0 || copies == 1))
#define may_queue (queued < UPDATES)
#define may_draw (drawn < TICKETS && ticket == 0)
#define owes (ticket != 0 || came_back < queued || copies > 1 || (copies > 0 && unanswered))

inline publish()
{
	made++;
	copies++;
	alive[made] = true;
	watch_alive = true;
#ifdef BUG_FREED_AT_REPLACEMENT
	if
	:: made > 1 -> alive[made - 1] = false
	:: else
	fi;
#endif
	list_push(published, made, head);
	wake_monitor()
}

inline queue_update()
{
	n = FIRST_UPDATE + queued;
	queued++;
	alive[n] = true;
	list_push(updates, n, head);
#ifndef BUG_NO_WAKE
	wake_monitor();
#endif
	n = NIL
}

inline draw_ticket()
{
	queued_before = queued;
	published_before = made;
	drawn++; /* one step: only the manager writes it */
	ticket = drawn;
	wake_monitor()
}

inline take_discarded()
{
	list_take(discarded, list, following, n);
	do
	:: list != NIL ->
		n = list;
		list = next[n];
		assert(n == freed + 1); /* oldest first, each once */
		freed++;
		alive[n] = false;
		copies--
	:: else -> break
	od;
	n = NIL;
	if
	:: copies == 0 -> watch_alive = false
	:: else
	fi
}

inline take_handled()
{
	list_take(handled, list, following, n);
	do
	:: list != NIL ->
		n = list;
		list = next[n];
		assert(n == FIRST_UPDATE + came_back); /* in the order in which they were queued, each once */
		assert(applied[n]);
		came_back++;
		alive[n] = false
	:: else -> break
	od;
	n = NIL
}

inline take_requests()
{
	if
	:: copies > 0 ->
		if
		:: atomic { array_request -> array_request = false };
			if
			:: atomic { member_request -> member_request = false; unanswered = false }
			:: else
			fi
		:: else
		fi
	:: else
	fi
}

/* `done` was looked up before the lists were taken. */
inline check_ticket()
{
	if
	:: done ->
		assert(came_back >= queued_before);
		assert(looked_at >= published_before);
		d_step {
			done = false;
			ticket = 0;
			queued_before = 0;
			published_before = 0
		}
	:: else
	fi
}

/* Something from outside: a change in mdstat, a client. */
inline produce()
{
	if
	:: may_publish -> publish()
	:: may_queue -> queue_update()
	:: may_draw -> draw_ticket()
	fi
}

active proctype manager()
{
	byte n, head, list, following;
	byte made, copies, freed;    /* copies ever published, out there now, given back */
	byte queued, came_back;      /* updates */
	byte ticket, queued_before, published_before;
	bool done;

	do
	:: done = ticket != 0 && honoured >= ticket;
		take_discarded();
		take_handled();
		take_requests();
		check_ticket();
		do
		:: may_publish || may_queue || may_draw -> produce()
		:: true -> break
		od;
		if
		:: !owes && !may_publish && !may_queue && !may_draw -> break
		:: else
		fi;
		manager_waits = true;
		if
		:: atomic { manager_pending -> manager_pending = false }
		:: may_publish || may_queue || may_draw -> produce()
		fi;
		manager_waits = false
	od;
	stop = true;
	wake_monitor()
}
