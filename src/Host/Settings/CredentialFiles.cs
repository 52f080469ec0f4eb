using Hanbae.Kubelet.Configuration;

namespace Hanbae.Host.Settings;

/// <summary>Looks at what was said of programs that know logins of image registries, before a kubelet goes by it.</summary>
static class CredentialFiles
{
    /// <exception cref="SettingsException">One flag misses the other.</exception>
    public static void Together(string? config, string? programs)
    {
        if (config is null != programs is null) throw new SettingsException("--image-credential-provider-config and --image-credential-provider-bin-dir go together");
    }

    /// <exception cref="SettingsException">One flag misses the other, or the configuration is none.</exception>
    public static void Check(string? config, string? programs)
    {
        Together(config, programs);
        if (config is null) return;
        try { KubeletConfiguration.CheckCredentialProviders(config); }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"--image-credential-provider-config {config}: {e.Message}", e);
        }
    }
}
