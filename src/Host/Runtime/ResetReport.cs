namespace Hanbae.Host.Runtime;

/// <summary>What a reset took away, and what it could not.</summary>
/// <param name="say">Told each line as it happens.</param>
public sealed class ResetReport(Action<string> say)
{
    readonly List<string> _removed = [], _left = [];

    public IReadOnlyList<string> RemovedThings => _removed;
    /// <summary>Not empty means that something of the cluster is still there: the exit code must say so.</summary>
    public IReadOnlyList<string> LeftThings => _left;

    internal void Removed(string what)
    {
        _removed.Add(what);
        say("removed " + what);
    }

    internal void Left(string what)
    {
        _left.Add(what);
        say("could not remove " + what);
    }
}
