using System.Threading.Channels;

namespace Hanbae.Store.Watch;

/// <summary>One watch's end of the fan-out: a bounded buffer that is ended when it overflows, never thinned.</summary>
sealed class Watcher
{
    readonly Channel<Change> _buffer;
    readonly int _bound;
    Revision _told;
    long _owed;

    internal Watcher(KeyRange range, Revision joined, int bound)
    {
        (Range, Joined, _told, _bound) = (range, joined, joined, bound);
        _buffer = Channel.CreateBounded<Change>(new BoundedChannelOptions(bound) { SingleReader = true, SingleWriter = true });
    }

    public KeyRange Range { get; }
    /// <summary>The buffer gets every change after this revision.</summary>
    public Revision Joined { get; }
    public ChannelReader<Change> Buffer => _buffer.Reader;

    /// <summary>A progress that found the buffer full and so comes when it is drained; none is 0.</summary>
    public bool Owes => Volatile.Read(ref _owed) != 0;
    public Revision TakeOwed() => new(Interlocked.Exchange(ref _owed, 0));

    /// <summary>False when the watcher is too slow and has been ended. Called by one thread at a time.</summary>
    internal bool Offer(Change change)
    {
        if (!_buffer.Writer.TryWrite(change))
        {
            End(new UnavailableException(Unavailable.SlowWatcher, $"the watch of {Range} was ended: more than {_bound} changes wait to be taken; watch again after the last one", current: change.Revision));
            return false;
        }
        _told = change.Revision;
        return true;
    }

    internal void OfferProgress(Revision current)
    {
        if (_told >= current) return;
        _told = current;
        if (!_buffer.Writer.TryWrite(Change.Progress(current))) Interlocked.Exchange(ref _owed, current.Value);
    }

    internal void End(Exception why) => _buffer.Writer.TryComplete(why);
}
