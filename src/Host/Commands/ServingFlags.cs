using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Hanbae.Host.Components;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary>What the scheduler and the controllers by themselves are told alike: where they show how they are, and to whom. Names are upstream's.</summary>
sealed class ServingFlags(int port)
{
    readonly Option<string> _address = new("--bind-address") { Description = "Where health, figures and configuration are served.", DefaultValueFactory = _ => "0.0.0.0" };
    readonly Option<int> _port = new("--secure-port") { Description = "Its port; 0 serves nothing.", DefaultValueFactory = _ => port };
    readonly Option<string?> _certificate = new("--tls-cert-file") { Description = "The certificate shown there; without it, one is made that nobody vouches for." };
    readonly Option<string?> _key = new("--tls-private-key-file") { Description = "Its key; both are read anew when they change." };
    readonly Option<string?> _authentication = new("--authentication-kubeconfig") { Description = "By which the cluster is asked who somebody is (--kubeconfig)." };
    readonly Option<string?> _authorization = new("--authorization-kubeconfig") { Description = "By which it is asked what somebody may do (--kubeconfig)." };
    readonly Option<string> _open = new("--authorization-always-allow-paths")
    {
        Description = "What everybody may ask for, separated by commas; a star at the end stands for what begins so.",
        DefaultValueFactory = _ => "/healthz,/readyz,/livez",
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_address, _port, _certificate, _key, _authentication, _authorization, _open]) command.Options.Add(option);
    }

    /// <summary>What was said, by name: an option without a value is a yes.</summary>
    static Dictionary<string, string> Given(ParseResult parsed) => parsed.CommandResult.Children.OfType<OptionResult>().Where(o => !o.Implicit)
        .ToDictionary(o => o.Option.Name.TrimStart('-'), o => o.Tokens.Count > 0 ? string.Join(',', o.Tokens.Select(t => t.Value)) : "true");

    /// <exception cref="SettingsException">Two that belong together do not come together, or one is not what it should be.</exception>
    /// <returns>Null for nowhere.</returns>
    public ServingSettings? Read(ParseResult parsed)
    {
        if (!IPAddress.TryParse(parsed.GetValue(_address), out var address)) throw new SettingsException($"--bind-address {parsed.GetValue(_address)} is no address");
        var (certificate, key) = (parsed.GetValue(_certificate), parsed.GetValue(_key));
        if (certificate is null != key is null) throw new SettingsException("--tls-cert-file and --tls-private-key-file go together");
        string[] open = parsed.GetValue(_open)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parsed.GetValue(_port) == 0) return null;
        return new(address, parsed.GetValue(_port), certificate is null ? null : new(certificate, key!), [.. open])
        {
            Authentication = parsed.GetValue(_authentication), Authorization = parsed.GetValue(_authorization), Flags = Given(parsed),
        };
    }
}
