using Hanbae.Server.ConfigFiles;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>Whom to ask about images, and how long answers hold.</summary>
/// <param name="KubeConfigFile">Says where the server is and how to talk to it.</param>
/// <param name="DefaultAllow">When nobody answers.</param>
public sealed record ImagePolicyOptions(string KubeConfigFile, TimeSpan AllowFor, TimeSpan DenyFor, TimeSpan RetryAfter, bool DefaultAllow)
{
    /// <summary>With upstream's defaults and bounds: -1 to remember nothing.</summary>
    internal static ImagePolicyOptions Of(ConfigNode config)
    {
        static TimeSpan Seconds(double seconds, double otherwise, string name, double most)
        {
            if (seconds == 0) return TimeSpan.FromSeconds(otherwise);
            if (seconds < 0) return TimeSpan.Zero;
            return seconds <= most ? TimeSpan.FromSeconds(seconds) : throw new FormatException($"{name}: valid value is between 1s and {TimeSpan.FromSeconds(most)}");
        }
        string file = config.Text("kubeConfigFile");
        if (file.Length == 0) throw new FormatException("imagePolicy.kubeConfigFile is required");
        double back = config.Number("retryBackoff");
        return new(file, Seconds(config.Number("allowTTL"), 300, "allowTTL", 1800), Seconds(config.Number("denyTTL"), 30, "denyTTL", 1800),
            TimeSpan.FromMilliseconds(back > 0 ? back : 500), config.Bool("defaultAllow", false));
    }
}
