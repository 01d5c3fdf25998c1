//! Evaluates rules over stored samples, moves alerts through their states and queues notifications.
