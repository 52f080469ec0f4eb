using Hanbae.Server.Admission;

namespace Hanbae.Host.Settings;

public sealed partial class ServerFlags
{
    static IReadOnlyList<(string Name, string Meaning)> AdmissionFlags =>
    [
        ("enable-admission-plugins", "Admission plugins besides those that are on by default, separated by commas."),
        ("disable-admission-plugins", "Admission plugins to turn off, separated by commas."),
        ("admission-control-config-file", "An AdmissionConfiguration file: what plugins are told."),
    ];

    /// <exception cref="SettingsException">A plugin is unknown, or the file cannot be read or is no such configuration.</exception>
    public AdmissionOptions Admission()
    {
        string? file = Find("admission-control-config-file");
        try { return AdmissionOptions.Of(Find("enable-admission-plugins"), Find("disable-admission-plugins"), file); }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException(file is not null && !e.Message.Contains("-admission-plugins", StringComparison.Ordinal) ? $"--admission-control-config-file {file}: {e.Message}" : e.Message, e);
        }
    }
}
