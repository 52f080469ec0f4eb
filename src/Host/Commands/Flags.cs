using System.CommandLine;
using Hanbae.Host.Settings;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Commands;

/// <summary>Reads values of options that several verbs have.</summary>
static class Flags
{
    /// <exception cref="SettingsException">It is none.</exception>
    public static TimeSpan Time(ParseResult parsed, Option<string> option) =>
        Api.Duration.TryParse(parsed.GetValue(option)!, out var d) && d.ToTimeSpan() > TimeSpan.Zero ? d.ToTimeSpan()
            : throw new SettingsException($"{option.Name} {parsed.GetValue(option)} is no time; write it like 30s or 1m");

    /// <summary>Logs to the console, from a level on.</summary>
    /// <exception cref="SettingsException">There is no such level.</exception>
    public static ILoggerFactory Loggers(string level) => Enum.TryParse<LogLevel>(level, ignoreCase: true, out var parsed)
        ? LoggerFactory.Create(b => b.SetMinimumLevel(parsed).AddSimpleConsole(o => { o.SingleLine = true; o.TimestampFormat = "HH:mm:ss.fff "; o.UseUtcTimestamp = true; }))
        : throw new SettingsException($"--log-level {level} is none; use trace, debug, information, warning or error");
}
