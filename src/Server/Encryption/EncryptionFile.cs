using Hanbae.Store.Encryption;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Encryption;

/// <summary>Keeps the rules of an EncryptionConfiguration file, and takes a changed file over while the server runs.</summary>
/// <remarks>A file that cannot be read or understood changes nothing (upstream's --encryption-provider-config-automatic-reload): it is logged, and looked at again.</remarks>
public sealed partial class EncryptionFile : IDisposable
{
    static readonly TimeSpan s_look = TimeSpan.FromSeconds(10);

    readonly string _path;
    readonly TimeProvider _time;
    readonly ILogger _log;
    string _text;
    volatile EncryptionRules _rules;
    EncryptionRules _before = EncryptionRules.None;

    /// <exception cref="FormatException">The file says something that cannot be.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public EncryptionFile(string path, TimeProvider time, ILogger log)
    {
        (_path, _time, _log) = (path, time, log);
        _text = File.ReadAllText(path);
        _rules = EncryptionConfiguration.Parse(_text, time);
    }

    public EncryptionRules Rules => _rules;

    /// <summary>Looks at the file every ten seconds, until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await Task.Delay(s_look, _time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!ct.IsCancellationRequested) await LookAsync(ct).ConfigureAwait(false);
        }
    }

    /// <returns>Whether other rules hold now.</returns>
    public async Task<bool> LookAsync(CancellationToken ct)
    {
        try
        {
            string text = await File.ReadAllTextAsync(_path, ct).ConfigureAwait(false);
            if (text == _text) return false;
            // Said once for each change, not every ten seconds.
            _text = text;
            var rules = EncryptionConfiguration.Parse(text, _time);
            var gone = _before;
            (_before, _rules) = (_rules, rules);
            // Calls under way may still use those that held until now: they go with the next change.
            Drop(gone);
            Log.Reloaded(_log, _path);
            return true;
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            Log.Unusable(_log, _path, e.Message);
            return false;
        }
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

    static partial class Log
    {
        [LoggerMessage(2060, LogLevel.Information, "encryption follows the changed {Path}")]
        public static partial void Reloaded(ILogger logger, string path);

        [LoggerMessage(2061, LogLevel.Error, "{Path} changed and cannot be used, encryption goes on as before: {Reason}")]
        public static partial void Unusable(ILogger logger, string path, string reason);
    }
}
