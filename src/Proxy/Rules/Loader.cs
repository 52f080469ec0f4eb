namespace Hanbae.Proxy.Rules;

/// <summary>Keeps one table of the kernel as it is wanted, and loads only what changed.</summary>
/// <param name="table">Family and name.</param>
/// <param name="whose">For people: the objects that the rules come from.</param>
internal sealed class Loader(string table, string whose, Action<string>? complain)
{
    /// <summary>Null while it is not known what the kernel has.</summary>
    Ruleset? _loaded;

    /// <returns>False when the kernel refused it: the next time the table is made anew.</returns>
    public async Task<bool> LoadAsync(Ruleset wanted, CancellationToken ct)
    {
        string commands = RulesetDiff.Commands(table, _loaded, wanted);
        try
        {
            if (commands.Length > 0) await Nft.LoadAsync(commands, ct);
            _loaded = wanted;
            return true;
        }
        catch (NftException e)
        {
            complain?.Invoke($"the kernel refused the rules of {whose}: {e.Message}");
            _loaded = null;
            return false;
        }
    }
}
