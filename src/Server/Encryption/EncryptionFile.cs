using Hanbae.Server.ConfigFiles;
using Hanbae.Store.Encryption;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Encryption;

/// <summary>Keeps the rules of an EncryptionConfiguration file, and takes a changed file over while the server runs (upstream's --encryption-provider-config-automatic-reload).</summary>
public sealed class EncryptionFile : IDisposable
{
    readonly WatchedFile _file;
    volatile EncryptionRules _rules = EncryptionRules.None;
    EncryptionRules _before = EncryptionRules.None;

    /// <exception cref="FormatException">The file cannot be read, or says something that cannot be.</exception>
    public EncryptionFile(string path, TimeProvider time, ILogger log)
    {
        _file = new(path, text => Use(EncryptionConfiguration.Parse(text, time)), time, log);
        _file.Load();
    }

    public EncryptionRules Rules => _rules;

    /// <summary>Looks at the file every ten seconds, until cancelled.</summary>
    public Task RunAsync(CancellationToken ct) => _file.RunAsync(ct);

    /// <returns>Whether other rules hold now.</returns>
    public bool Reload() => _file.Reload();

    void Use(EncryptionRules rules)
    {
        var gone = _before;
        (_before, _rules) = (_rules, rules);
        // Calls under way may still use those that held until now: they go with the next change.
        Drop(gone);
    }

    static void Drop(EncryptionRules rules)
    {
        foreach (var rule in rules.Rules)
            foreach (var provider in rule.Chain.Providers) (provider as IDisposable)?.Dispose();
    }

    public void Dispose()
    {
        Drop(_before);
        Drop(_rules);
    }
}
