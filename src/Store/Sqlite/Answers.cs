namespace Hanbae.Store.Sqlite;

/// <summary>Tells the callers of a group that their writes are on the disk: as many threads of the pool as there are processors each go on with a share of them, one behind the other.</summary>
/// <remarks>A thread woken per write would be several changes of thread for work of a few microseconds; and answers given in a row leave a connection together.</remarks>
sealed class Answers(Write[] share) : IThreadPoolWorkItem
{
    static readonly int s_processors = Environment.ProcessorCount;

    public static void Give(ReadOnlySpan<Write> group)
    {
        int share = (group.Length + s_processors - 1) / s_processors;
        for (; group.Length > 0; group = group[Math.Min(share, group.Length)..])
            ThreadPool.UnsafeQueueUserWorkItem(new Answers(group[..Math.Min(share, group.Length)].ToArray()), preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        foreach (var write in share) write.Tell();
    }
}
