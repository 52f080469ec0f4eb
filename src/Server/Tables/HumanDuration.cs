namespace Hanbae.Server.Tables;

/// <summary>How long, as short as kubectl shows it: upstream's duration.HumanDuration.</summary>
public static class HumanDuration
{
    public static string Of(TimeSpan time)
    {
        long seconds = (long)time.TotalSeconds;
        if (seconds < -1) return "<invalid>";
        if (seconds < 0) return "0s";
        if (seconds < 60 * 2) return $"{seconds}s";
        long minutes = (long)time.TotalMinutes;
        if (minutes < 10) return seconds % 60 is 0 ? $"{minutes}m" : $"{minutes}m{seconds % 60}s";
        if (minutes < 60 * 3) return $"{minutes}m";
        long hours = (long)time.TotalHours;
        if (hours < 8) return minutes % 60 is 0 ? $"{hours}h" : $"{hours}h{minutes % 60}m";
        if (hours < 48) return $"{hours}h";
        if (hours < 24 * 8) return hours % 24 is 0 ? $"{hours / 24}d" : $"{hours / 24}d{hours % 24}h";
        if (hours < 24 * 365 * 2) return $"{hours / 24}d";
        if (hours < 24 * 365 * 8) return hours / 24 % 365 is 0 ? $"{hours / 24 / 365}y" : $"{hours / 24 / 365}y{hours / 24 % 365}d";
        return $"{hours / 24 / 365}y";
    }
}
