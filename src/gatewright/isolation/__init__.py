"""What a process may see, write and do on its machine: mount namespaces, users, capabilities. Linux only."""
