using Hanbae.Api;
using Hanbae.Server.Admission.Configuration;

namespace Hanbae.Server.Admission;

/// <summary>Which plugins look at writes, and what they are told: <c>--enable-admission-plugins</c>, <c>--disable-admission-plugins</c>, <c>--admission-control-config-file</c>.</summary>
public sealed record AdmissionOptions
{
    /// <summary>Besides those that are on by default.</summary>
    public Seq<string> Enable { get; init; } = [];
    public Seq<string> Disable { get; init; } = [];
    public AdmissionConfiguration Configuration { get; init; } = new();

    /// <summary>Of upstream's flags.</summary>
    /// <param name="enable">Names, separated by commas.</param>
    /// <param name="file">The configuration; null for none.</param>
    /// <exception cref="FormatException">A name is unknown, on both lists, or the file is not such a configuration.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static AdmissionOptions Of(string? enable, string? disable, string? file)
    {
        static Seq<string> Names(string? list) => (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToSeq();
        var options = new AdmissionOptions { Enable = Names(enable), Disable = Names(disable), Configuration = file is null ? new() : AdmissionConfiguration.Load(file) };
        options.Check();
        return options;
    }

    /// <exception cref="FormatException">In upstream's words.</exception>
    void Check()
    {
        foreach (string name in Enable) if (!AdmissionCatalog.Names.Contains(name)) throw new FormatException($"enable-admission-plugins plugin \"{name}\" is unknown");
        foreach (string name in Disable) if (!AdmissionCatalog.Names.Contains(name)) throw new FormatException($"disable-admission-plugins plugin \"{name}\" is unknown");
        if (Enable.Where(n => Disable.Contains(n)).ToArray() is { Length: > 0 } both) throw new FormatException($"[{string.Join(" ", both)}] in enable-admission-plugins and disable-admission-plugins overlapped");
    }
}
