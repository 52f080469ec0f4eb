using Microsoft.Extensions.Logging;

namespace Hanbae.Server.ConfigFiles;

/// <summary>A configuration file that is read again when it changes; a change that is wrong leaves what was right before, as upstream.</summary>
/// <param name="use">Throws <see cref="FormatException"/> and then changes nothing.</param>
sealed partial class WatchedFile(string path, Action<string> use, TimeProvider time, ILogger logger)
{
    static readonly TimeSpan s_every = TimeSpan.FromSeconds(10);

    readonly Lock _gate = new();
    string _seen = "";

    /// <exception cref="FormatException">It cannot be read or is wrong; the message says where.</exception>
    public void Load()
    {
        lock (_gate)
            try
            {
                string text = File.ReadAllText(path);
                use(text);
                _seen = text;
            }
            catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException) { throw new FormatException($"{path}: {e.Message}", e); }
    }

    /// <summary>Takes over what changed, if it is right.</summary>
    public bool Reload()
    {
        lock (_gate)
            try
            {
                string text = File.ReadAllText(path);
                if (text == _seen) return false;
                // Said once, not every few seconds.
                _seen = text;
                use(text);
                Log.Reloaded(logger, path);
                return true;
            }
            catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
            {
                Log.NotReloaded(logger, path, e.Message);
                return false;
            }
    }

    public async Task RunAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_every, time);
        while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false)) Reload();
    }

    static partial class Log
    {
        [LoggerMessage(2050, LogLevel.Information, "Took over the changed configuration {Path}")]
        public static partial void Reloaded(ILogger logger, string path);

        [LoggerMessage(2051, LogLevel.Error, "The changed configuration {Path} is not used, the one before stays in force: {Why}")]
        public static partial void NotReloaded(ILogger logger, string path, string why);
    }
}
