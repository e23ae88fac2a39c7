-- Nobody else registers or beats meanwhile: two of different identity cannot both find themselves alone.
LOCK TABLE replicas IN SHARE ROW EXCLUSIVE MODE
