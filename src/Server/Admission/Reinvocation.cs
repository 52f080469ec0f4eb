namespace Hanbae.Server.Admission;

/// <summary>What mutating plugins remember of one request, so that those before a change see it, too: upstream's reinvocation context.</summary>
public sealed class Reinvocation
{
    // There is one for each write, and hardly ever anything to remember.
    Dictionary<string, Rerun>? _plugins;

    /// <summary>The chain has run once and runs again, the last time.</summary>
    public bool IsSecond { get; internal set; }
    /// <summary>Something changed the object that others had already looked at.</summary>
    public bool IsDue { get; set; }

    internal Rerun Of(string plugin) => (_plugins ??= []).TryGetValue(plugin, out var known) ? known : _plugins[plugin] = new();

    /// <summary>What one plugin remembers: which of its webhooks (or policies) may be asked again, and which are to be.</summary>
    internal sealed class Rerun
    {
        HashSet<string>? _asked, _again;

        /// <summary>What it made of the object last.</summary>
        public Api.IKind? Output { get; set; }

        public void Asked(string name) => (_asked ??= []).Add(name);
        public bool IsDue(string name) => _again?.Contains(name) == true;

        /// <summary>Everything asked so far is to be asked again.</summary>
        public void All()
        {
            if (_asked is null) return;
            (_again ??= []).UnionWith(_asked);
            _asked.Clear();
        }
    }
}
